"""The plan of the representative board: targets of the branch and its offices for the year of the sample."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pyarrow as pa

from samples.fit import BoolArray
from samples.programmes import MILLION
from samples.tables_static import Columns, find_offices
from samples.world import World

_Row = dict[str, str | None]


def write_targets(world: World, branch: str, day: date, covered: BoolArray) -> Columns:
    """Targets decided by `day`; what is needed and the new overdue target are decided at the last date's meeting."""
    rows = [row for row in _list_targets(world, branch, covered) if str(row["decided_on"]) <= day.isoformat()]
    return {name: pa.array([row[name] for row in rows], pa.string()) for name in _COLUMNS}


_COLUMNS = (
    "plan_id", "version", "indicator", "scope_kind", "scope_code", "programme_code", "source_code", "period_start",
    "due_on", "target_value", "unit", "decided_on", "decision_no", "valid_from",
)  # fmt: skip


def _list_targets(world: World, branch: str, covered: BoolArray) -> list[_Row]:
    plan, last = world.plan, world.profile.business_dates[-1]
    first = world.profile.business_dates[0]
    share = _share_of_branch(world, covered)
    decided = min(first, date(last.year, 1, 15)).isoformat()
    start, due = f"{last.year}-01-01", f"{last.year}-12-31"
    size = int(plan.money("outstanding") * share)
    local, deposits = plan.money("capital_local"), plan.money("capital_mobilised")
    lent = plan.money("disbursed")

    def row(code: str, indicator: str, value: Decimal | int, unit: str, **more: str | None) -> _Row:
        base: _Row = {
            "plan_id": f"KH{last.year}-{branch}-{code}", "version": "1", "indicator": indicator, "scope_kind": "branch",
            "scope_code": branch, "programme_code": None, "source_code": None, "period_start": start, "due_on": due,
            "target_value": f"{value}", "unit": unit, "decided_on": decided,
            "decision_no": f"{branch}/QĐ-BĐD", "valid_from": decided,
        }  # fmt: skip
        return {**base, **more}

    rows = [
        row("DN", "outstanding", _whole(size * Decimal("1.06")), "vnd"),
        row("TT", "growth_pct", Decimal("8.5"), "pct"),
        row("QH", "overdue_ratio_pct", _percent(plan.values["overdue_ratio_pct"] * Decimal("0.95")), "pct"),
        row("QHK", "overdue_frozen_ratio_pct", _percent(plan.values["overdue_frozen_ratio_pct"]), "pct"),
        row("VDP", "local_capital_received", _whole(local * share * Decimal("0.15")), "vnd", source_code="DP"),
        row("TLDP", "local_capital_share_pct", _percent(plan.values["local_share_of_capital_pct"] + 1), "pct"),
        row("HD", "deposits", _whole(deposits * share * Decimal("1.05")), "vnd"),
        row("CV", "disbursed", _whole(lent * share * Decimal("1.2")), "vnd"),
        row("TN", "collected", _whole(plan.money("collected") * share * Decimal("1.1")), "vnd"),
    ]
    for office in find_offices(world, covered):
        code = world.office_codes[office]
        part = int(world.land.place_weight[world.land.office_of_place == office].sum()) / 1_000_000
        for short, indicator, value, unit in (
            ("DN", "outstanding", _whole(plan.money("outstanding") * part * 1.06), "vnd"),
            ("HD", "deposits", _whole(deposits * part * 1.05), "vnd"),
            ("QH", "overdue_ratio_pct", _percent(plan.values["overdue_ratio_pct"]), "pct"),
        ):
            rows.append(row(f"{short}-{code}", indicator, value, unit, scope_kind="office", scope_code=code))
    if branch == world.profile.branch:
        meeting = {"decided_on": last.isoformat(), "valid_from": last.isoformat(), "decision_no": None}
        needed = plan.money("capital_needed")
        # Counted from the meeting on: nothing local arrives on the last day, so all of it is still to come.
        rows.append(row("VDP-BS", "local_capital_received", needed, "vnd", source_code="DP",
                        period_start=last.isoformat(), **meeting))  # fmt: skip
        target = _percent(plan.values["overdue_target_pct"])
        rows.append(row("QH", "overdue_ratio_pct", target, "pct", version="2", **meeting))
    return rows


def _share_of_branch(world: World, covered: BoolArray) -> Decimal:
    """Share of the covered places in the whole sample: below 1 before a merger."""
    weight = world.land.place_weight
    return Decimal(int(weight[covered].sum())) / Decimal(int(weight.sum()))


def _whole(value: Decimal | float) -> int:
    """Round to whole millions of đồng, as targets are decided."""
    return max(1, int(value) // MILLION) * MILLION


def _percent(value: Decimal) -> Decimal:
    """Round to the two decimals that targets are decided with."""
    return value.quantize(Decimal("0.01"))
