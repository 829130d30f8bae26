"""The two board meetings: each figure as it was printed beside the same figure from the marts.

`word` makes a range of a printed value v with the unit step u (domain.md): exact [v]; over [v, v + u); about ± u / 2;
nearly (v - u, v].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from samples import load_profile
from warehouse.connect import Connection, Warehouse

PROFILES = ("ninh-thuan-2024q1", "ca-mau-2025q3")

SCORECARD = "select {} from marts.mart_branch_scorecard where branch_code = %(branch)s and business_date = %(date)s"
MIX = "select {} from marts.mart_capital_mix where branch_code = %(branch)s and business_date = %(date)s"
DEMAND = "select sum({}) from marts.mart_demand_coverage where branch_code = %(branch)s and business_date = %(date)s and kind = '{}'"
QUERIES: Mapping[str, str] = MappingProxyType(
    {
        "outstanding": SCORECARD.format("outstanding_vnd"),
        "change_from_year_start": SCORECARD.format("change_from_year_start_vnd"),
        "loans": SCORECARD.format("loans"),
        "customers": SCORECARD.format("borrowers"),
        "avg_outstanding_per_customer": SCORECARD.format("avg_outstanding_per_borrower_vnd"),
        "disbursed": SCORECARD.format("disbursed_qtd_vnd"),
        "collected": SCORECARD.format("collected_qtd_vnd"),
        "households_reached": SCORECARD.format("borrowers_reached_qtd"),
        "overdue_ratio_pct": SCORECARD.format("overdue_ratio_pct"),
        "overdue_frozen_ratio_pct": SCORECARD.format("overdue_frozen_ratio_pct"),
        "local_share_of_capital_pct": SCORECARD.format("local_share_of_capital_pct"),
        "local_share_of_outstanding_pct": SCORECARD.format("local_share_of_outstanding_pct"),
        "absconded_cases": SCORECARD.format("absconded_cases"),
        "groups": SCORECARD.format("groups"),
        "capital_total": MIX.format("capital_total_vnd"),
        "capital_local": MIX.format("local_vnd"),
        "workers_abroad_identified": DEMAND.format("cases", "worker_abroad"),
        "workers_abroad_reached": DEMAND.format("disbursed", "worker_abroad"),
        "workers_abroad_lent": DEMAND.format("disbursed_vnd", "worker_abroad"),
        "stem_students_identified": DEMAND.format("cases", "stem_student"),
    }
)


@dataclass(frozen=True)
class Line:
    """One figure of a meeting. `computed` is in đồng, percent or pieces; None where the marts have none."""

    name: str
    word: str
    value: Decimal
    step: Decimal
    unit: str
    factor: Decimal
    computed: Decimal | None

    @property
    def agrees(self) -> bool:
        """True when the computed figure lies in the range that the printed word makes."""
        if self.computed is None:
            return False
        found = self.computed / self.factor
        match self.word:
            case "over":
                return self.value <= found < self.value + self.step
            case "about":
                return abs(found - self.value) <= self.step / 2
            case "nearly":
                return self.value - self.step < found <= self.value
            case _:
                return found == self.value

    def cells(self) -> tuple[str, str, str, str]:
        """The figure as a row of the printed table."""
        printed = f"{'' if self.word == 'exact' else self.word + ' '}{self.value:,} {self.unit}"
        if self.computed is None:
            return self.name, printed, "none", "NO"
        is_count = self.factor == 1 and self.unit != "%"
        places = max(0, -int(self.step.normalize().as_tuple().exponent)) + (0 if is_count else 3)
        return (
            self.name,
            printed,
            f"{self.computed / self.factor:,.{places}f} {self.unit}",
            "yes" if self.agrees else "NO",
        )


def read_lines(warehouse: Warehouse, profile: str) -> list[Line]:
    """Return every printed figure of a profile that the marts answer, as at its last business date."""
    wanted = load_profile(profile)
    place = {"branch": wanted.branch, "date": wanted.business_dates[-1]}
    with warehouse.connect("quarter_keeper") as connection:
        return [
            Line(
                name, figure.word, figure.value, figure.step, figure.unit, figure.factor, _ask(connection, QUERIES[name], place),
            )
            for name, figure in wanted.figures.items()
            if name in QUERIES
        ]  # fmt: skip


def show(warehouse: Warehouse) -> tuple[str, bool]:
    """Return the table of both meetings and whether every figure agrees."""
    parts, good = [], True
    for profile in PROFILES:
        lines = read_lines(warehouse, profile)
        good = good and all(line.agrees for line in lines)
        rows = [("figure", "as printed", "from the marts", "agrees"), *(line.cells() for line in lines)]
        widths = [max(len(row[place]) for row in rows) for place in range(4)]
        wanted = load_profile(profile)
        title = f"{wanted.title} — branch {wanted.branch}, as of {wanted.business_dates[-1]}"
        body = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        parts.append("\n".join(["", title, "─" * len(title), *body]))
    return "\n".join(parts), good


def _ask(connection: Connection, query: str, place: dict[str, Any]) -> Decimal | None:
    row = connection.execute(query, place).fetchone()
    return Decimal(row[0]) if row and row[0] is not None else None
