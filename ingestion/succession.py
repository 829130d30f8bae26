"""Branches and what became of them: which branch's state a delivery follows (contract sections 1, 5 and 6)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from warehouse.connect import Connection

Key = tuple[str, dt.date]
"""A branch: (code, valid_from). A code alone does not name a province for ever."""


@dataclass(frozen=True)
class Branch:
    """One row of meta.branches. `valid_to` is the last valid day, None while it stands."""

    key: Key
    valid_to: dt.date | None
    successor: Key | None

    def is_valid_on(self, date: dt.date) -> bool:
        """True when the branch exists on `date`."""
        return self.key[1] <= date and (self.valid_to is None or date <= self.valid_to)


class Succession:
    """All branches, with who follows whom."""

    def __init__(self, branches: Iterable[Branch]) -> None:
        self.branches = {branch.key: branch for branch in branches}
        self.merged_into: dict[Key, list[Key]] = {}
        for branch in self.branches.values():
            if branch.successor:
                self.merged_into.setdefault(branch.successor, []).append(branch.key)

    def today(self, key: Key) -> Key:
        """The branch that stands today in the place of `key`: the name of its whole family."""
        while (successor := self.branches[key].successor) is not None:
            key = successor
        return key

    def predecessors(self, key: Key) -> list[Key]:
        """Every branch merged into `key`, over all generations."""
        direct = self.merged_into.get(key, [])
        return direct + [older for branch in direct for older in self.predecessors(branch)]

    def family(self, key: Key) -> list[Key]:
        """The branch that stands today and every branch merged into it."""
        head = self.today(key)
        return [head, *self.predecessors(head)]

    def holders(self, key: Key, date: dt.date) -> list[Key]:
        """The branches that held on `date` what `key` holds now: itself, or those merged into it."""
        if self.branches[key].is_valid_on(date):
            return [key]
        return [older for older in self.predecessors(key) if self.branches[older].is_valid_on(date)]


def read_succession(connection: Connection) -> Succession:
    """Read meta.branches."""
    cursor = connection.execute(
        "select branch_code, valid_from, valid_to, successor_code, successor_valid_from from meta.branches"
    )
    return Succession(Branch((code, start), end, (next_code, next_start) if next_code else None)
                      for code, start, end, next_code, next_start in cursor)  # fmt: skip
