"""What a night came to: read from the ledger after the steps, for the DAG's last tasks and its labels."""

from __future__ import annotations

import csv
import datetime as dt
import functools
from dataclasses import dataclass

from contract.errors import WarehouseError
from warehouse.connect import open_warehouse
from warehouse.settings import PROJECT

RUNBOOK = "docs/runbooks/held-delivery.md"


@dataclass(frozen=True)
class Trouble:
    """A delivery that readers do not see, and why, in one sentence."""

    branch_code: str | None
    business_date: dt.date | None
    revision: int | None
    verdict: str
    reason: str

    def __str__(self) -> str:
        place = branch_name(self.branch_code) if self.branch_code else "unknown branch"
        date = self.business_date or "unknown date"
        return f"{place}, {date}, revision {self.revision or '?'}: {self.verdict}. {self.reason}"


def has_news(since: dt.datetime) -> bool:
    """Return whether the ledger has grown since a moment: then the marts may have to follow.

    Held and refused deliveries count too, for `mart_delivery_status` shows them.
    """
    with open_warehouse().connect("loader") as connection:
        row = connection.execute("select exists (select from meta.ledger where at >= %s)", [since]).fetchone()
    return bool(row and row[0])


def find_troubles(since: dt.datetime) -> list[Trouble]:
    """Return what has been held or refused since a moment and is still so, in the order of the ledger."""
    with open_warehouse().connect("loader") as connection:
        rows = connection.execute(
            """
            select branch_code, business_date, revision, verdict, reason
            from meta.ledger as entry
            where at >= %s and verdict in ('held', 'refused') and not exists (
                select from meta.ledger as later
                where later.entry_no > entry.entry_no
                    and later.branch_code = entry.branch_code
                    and later.business_date = entry.business_date
                    and later.revision >= entry.revision
            )
            order by entry_no
            """,
            [since],
        ).fetchall()
    return [Trouble(*row) for row in rows]


def require_good_verdicts(since: dt.datetime) -> None:
    """Raise WarehouseError when something has been held or refused since a moment and is still so."""
    troubles = find_troubles(since)
    if troubles:
        count = "1 delivery was" if len(troubles) == 1 else f"{len(troubles)} deliveries were"
        raise WarehouseError(
            "\n".join([f"{count} held or refused", *map(str, troubles)]),
            remedy=f"The branch sends its next revision; {RUNBOOK} says how.",
        )


def branch_name(code: str) -> str:
    """Return a branch's code with its name; a code that named two provinces carries both names."""
    names = _branch_names().get(code)
    return f"{code} {' / '.join(names)}" if names else code


def short_name(name: str) -> str:
    """Return a province's name without the word for its rank."""
    return name.removeprefix("Tỉnh ").removeprefix("Thành phố ")


@functools.cache
def _branch_names() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    with (PROJECT / "warehouse/reference/branches.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name = short_name(row["name_vi"])
            names = found.setdefault(row["branch_code"], [])
            if name not in names:
                names.append(name)
    return found
