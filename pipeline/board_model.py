"""What stands on the board: a place for each branch and date, and what all of them say of the night."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from pipeline.deadline import ZONE
from pipeline.nights import Killed

PROBLEMS = ("held", "refused", "missing", "waiting")
REMARKS = ("published_with_warnings", "provisional", "paused")
WORDS = {
    "published": "published",
    "published_with_warnings": "published with warnings",
    "provisional": "provisional",
    "held": "held",
    "refused": "refused",
    "waiting": "waiting for files",
    "missing": "missing",
    "paused": "paused",
    "expected": "expected",
    "covered": "no business; inside the interval of a later delivery",
    "none": "not expected",
}
"""Every state of a place on the board."""


@dataclass
class Cell:
    """What stands at one branch and date. `rows` are delivered data rows, `seconds` from arrival to verdict."""

    state: str
    branch_code: str
    business_date: dt.date
    revision: int | None = None
    visible_revision: int | None = None
    arrived_at: dt.datetime | None = None
    late: dt.timedelta | None = None
    rows: int | None = None
    errors: int = 0
    warnings: int = 0
    seconds: float | None = None
    reason: str = ""
    could_not_run: str | None = None
    delivery_id: int | None = None
    findings: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_problem(self) -> bool:
        """True where somebody has something to do."""
        return self.state in PROBLEMS or self.could_not_run is not None

    @property
    def is_remark(self) -> bool:
        """True where readers see the delivery, and something is to be said of it."""
        return not self.is_problem and (self.state in REMARKS or self.late is not None)

    @property
    def words(self) -> str:
        """The state in words, with what readers see of an earlier revision."""
        if self.state in ("held", "refused", "waiting") and self.visible_revision:
            return f"{WORDS[self.state]}; revision {self.visible_revision} stands"
        return WORDS[self.state]


@dataclass
class Branch:
    """One line of the board."""

    code: str
    name: str
    cells: dict[dt.date, Cell]
    paused: str | None = None


@dataclass
class Board:
    """The state of the warehouse as an engineer asks for it in the morning."""

    looked_at: dt.datetime
    dates: list[dt.date]
    branches: list[Branch]
    never_delivered: list[str]
    strangers: list[tuple[str, str]]
    """Folders refused that name no branch of their date, while they lie in the landing; each with what is wrong."""
    killed: list[Killed]
    last_night: dt.datetime | None
    is_built: bool
    dates_without_word: int
    due: dt.date | None = None
    """The date of which the last word is to be said, whatever has come of the next one."""

    @property
    def night(self) -> dt.date | None:
        """The newest business date on record that has come; a date of the future, sent by mistake, only where there is no other."""
        if self.due in self.dates:
            return self.due
        return next((date for date in self.dates if date <= self.today), self.dates[0] if self.dates else None)

    @property
    def today(self) -> dt.date:
        """The day in Viet Nam on which the board was looked at."""
        return self.looked_at.astimezone(ZONE).date()

    @property
    def cells(self) -> list[Cell]:
        """The places of the night, what needs somebody first."""
        if self.night is None:
            return []
        found = [branch.cells[self.night] for branch in self.branches if self.night in branch.cells]
        return sorted(found, key=lambda cell: (_rank(cell), cell.branch_code))

    @property
    def problems(self) -> list[Cell]:
        """Places of the night where somebody has something to do."""
        return [cell for cell in self.cells if cell.is_problem]

    @property
    def other_problems(self) -> list[Cell]:
        """The same of the other dates, newest first."""
        return [
            branch.cells[date]
            for date in self.dates
            for branch in self.branches
            if date != self.night and date in branch.cells and branch.cells[date].is_problem
        ]

    @property
    def verdict(self) -> str:
        """`good`, `remarks` (readers see everything, something is to be said) or `bad`; `empty` with nothing on record."""
        if self.night is None and not self.strangers:
            return "empty"
        if self.problems or self.strangers or any(killed.made_up_at is None for killed in self.killed):
            return "bad"
        # Beside the last word on a night: what has come of the next one.
        if self.night and any(self.night < cell.business_date <= self.today for cell in self.other_problems):
            return "bad"
        elsewhere = self.other_problems or self.dates_without_word or self.killed
        if any(cell.is_remark for cell in self.cells) or elsewhere or not self.is_built:
            return "remarks"
        return "good"

    @property
    def headline(self) -> str:
        """The night in one sentence."""
        counts = {state: sum(cell.state == state for cell in self.cells) for state in WORDS}
        counted = [f"{count} {WORDS[state]}" for state, count in counts.items() if count and state != "none"]
        late = sum(cell.late is not None and cell.state != "missing" for cell in self.cells)
        other = len(self.other_problems)
        more = [(len(self.strangers), "wrongly named"), (late, "late"), (other, "open on other dates")]
        return ", ".join([*counted, *(f"{count} {what}" for count, what in more if count)]) or "nothing was expected"


def _rank(cell: Cell) -> int:
    return 0 if cell.state in ("held", "refused") else 1 if cell.is_problem else 2 if cell.is_remark else 3
