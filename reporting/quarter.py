"""A quarter, its code and its neighbours; the error of the quarter close."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from contract.errors import WarehouseError

BANK_TIME = ZoneInfo("Asia/Ho_Chi_Minh")
"""Days are told in it, whatever zone the server has."""
CODE = re.compile(r"([0-9]{4})Q([1-4])")


class QuarterError(WarehouseError):
    """A step of the quarter close that is refused; nothing has changed."""


@dataclass(frozen=True, order=True)
class Quarter:
    """A calendar quarter: `year` and `number` 1-4."""

    year: int
    number: int

    @property
    def code(self) -> str:
        """Such as `2025Q3`."""
        return f"{self.year:04}Q{self.number}"

    @property
    def first_on(self) -> dt.date:
        return dt.date(self.year, 3 * self.number - 2, 1)

    @property
    def last_on(self) -> dt.date:
        """The date of the quarter's states."""
        return self.next().first_on - dt.timedelta(days=1)

    def next(self) -> Quarter:
        return Quarter(self.year + 1, 1) if self.number == 4 else Quarter(self.year, self.number + 1)

    def previous(self) -> Quarter:
        return Quarter(self.year - 1, 4) if self.number == 1 else Quarter(self.year, self.number - 1)


def parse_quarter(code: str) -> Quarter:
    """Return the quarter that a code such as `2025Q3` names; raise QuarterError for anything else."""
    found = CODE.fullmatch(code)
    if found is None or found[1] == "0000":
        raise QuarterError(f"{code!r} is not a quarter", remedy="Write it as year, Q and number, such as 2025Q3.")
    return Quarter(int(found[1]), int(found[2]))


def quarter_of(day: dt.date) -> Quarter:
    """Return the quarter that `day` lies in."""
    return Quarter(day.year, (day.month + 2) // 3)


def quarter_before(day: dt.date) -> Quarter:
    """Return the last quarter that has ended before `day`."""
    return quarter_of(day).previous()
