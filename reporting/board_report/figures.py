"""The headline figures, by key: what a card shows is what this module took from a frozen row or computed from frozen ones."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from reporting.board_report.benchmarks import find_benchmark
from reporting.board_report.frozen import NATION, FrozenRows, Row
from reporting.board_report.model import Figure, Kind, Value
from reporting.board_report.suppression import CUSTOMERS_AT_LEAST, HIDDEN
from reporting.board_report.words import Words

SCORECARD: tuple[tuple[str, str, Kind], ...] = (
    ("outstanding", "outstanding_vnd", "vnd"),
    ("change_from_year_start", "change_from_year_start_vnd", "vnd"),
    ("change_from_quarter_start", "change_from_quarter_start_vnd", "vnd"),
    ("disbursed", "disbursed_qtd_vnd", "vnd"),
    ("disbursed_ytd", "disbursed_ytd_vnd", "vnd"),
    ("collected", "collected_qtd_vnd", "vnd"),
    ("collected_ytd", "collected_ytd_vnd", "vnd"),
    ("customers", "borrowers", "count"),
    ("loans", "loans", "count"),
    ("avg_outstanding_per_customer", "avg_outstanding_per_borrower_vnd", "vnd"),
    ("households_reached", "borrowers_reached_qtd", "count"),
    ("overdue", "overdue_vnd", "vnd"),
    ("frozen", "frozen_vnd", "vnd"),
    ("overdue_ratio_pct", "overdue_ratio_pct", "pct"),
    ("overdue_frozen_ratio_pct", "overdue_frozen_ratio_pct", "pct"),
    ("par30_ratio_pct", "par30_ratio_pct", "pct"),
    ("clean_communes", "clean_communes", "count"),
    ("local_share_of_capital_pct", "local_share_of_capital_pct", "pct"),
    ("local_share_of_outstanding_pct", "local_share_of_outstanding_pct", "pct"),
    ("absconded_cases", "absconded_cases", "count"),
    ("absconded_borrowers", "absconded_borrowers", "count"),
    ("entrusted_share_pct", "entrusted_share_pct", "pct"),
    ("groups", "groups", "count"),
    ("groups_good_pct", "groups_good_pct", "pct"),
)
OF_PERSONS = ("customers", "households_reached", "absconded_cases", "absconded_borrowers")
WHOLE = {"local_capital_received": (None, "TOTAL", "DP"), "overdue_ratio_pct": (None, "TOTAL")}
"""The sources whose target is one of all that the indicator speaks of: of the others it is of a part."""
DEMAND = (("workers_abroad", "worker_abroad"), ("stem_students", "stem_student"))


@dataclass(frozen=True)
class Maker:
    """Makes figures of one report: the same day, words and territory for all."""

    rows: FrozenRows
    words: Words

    def make(self, key: str, value: Value, kind: Kind, source: str) -> Figure:
        return Figure(key, self.words(key), value, kind, self.words(f"{key}.d"), source, self.rows.edition.as_of)


def read_figures(rows: FrozenRows, scorecard: Row, words: Words) -> dict[str, Figure]:
    """Return every headline figure of a territory by key; one that has no frozen value is None, a small cell hidden."""
    maker = Maker(rows, words)
    name = "national_scorecard" if rows.branch == "*" else "branch_scorecard"
    found = []
    for key, column, kind in SCORECARD:
        value = scorecard.get(column)
        is_small = key in OF_PERSONS and value is not None and 0 < value < CUSTOMERS_AT_LEAST
        found.append(maker.make(key, HIDDEN if is_small else value, kind, f"{name}.{column}"))
    change = scorecard.get("change_from_year_start_vnd")
    found.append(maker.make(
        "growth_from_year_start_pct", None if change is None else percent(change, scorecard["outstanding_vnd"] - change),
        "pct", f"{name}.change_from_year_start_vnd / outstanding_vnd",
    ))  # fmt: skip
    found += [*_capital(maker, scorecard), *_times(maker, scorecard), *_demand(maker), *_targets(maker, scorecard)]
    return {figure.key: figure for figure in found}


def percent(part: int, whole: int) -> Decimal | None:
    """A ratio as the marts have it: percent, six decimals, half up, rounded once; None where the whole is 0."""
    if not whole:
        return None
    millionths = (200_000_000 * abs(part) + abs(whole)) // (2 * abs(whole))
    return Decimal(millionths if (part < 0) == (whole < 0) else -millionths).scaleb(-6)


def _capital(maker: Maker, scorecard: Row) -> list[Figure]:
    mix = maker.rows.read_mix()
    local, outstanding = mix["local_vnd"], scorecard["outstanding_vnd"]
    return [
        maker.make("capital_total", mix["capital_total_vnd"], "vnd", "capital_mix.capital_total_vnd"),
        maker.make("capital_local", local, "vnd", "capital_mix.local_vnd"),
        maker.make("local_capital_to_outstanding_pct", None if local is None else percent(local, outstanding), "pct",
                   "capital_mix.local_vnd / branch_scorecard.outstanding_vnd"),
        maker.make("local_idle", mix["local_idle_vnd"], "vnd", "capital_mix.local_idle_vnd"),
    ]  # fmt: skip


def _times(maker: Maker, scorecard: Row) -> list[Figure]:
    found = []
    for basis in ("overdue", "overdue_frozen"):
        column = f"{basis}_ratio_pct"
        benchmark, value = find_benchmark(column, basis, maker.rows.edition.as_of), scorecard.get(column)
        times = None if benchmark is None or value is None else Decimal(value) / benchmark.value
        day = f" ({benchmark.as_of})" if benchmark else ""
        found.append(
            maker.make(f"{basis}_times_national", times, "times", f"branch_scorecard.{column} / benchmark{day}")
        )
    return found


def _demand(maker: Maker) -> list[Figure]:
    rows, found = maker.rows.read_demand(), []
    for name, kind in DEMAND:
        of_kind = [row for row in rows if row["kind"] == kind]

        def add(column: str, of_kind: list[Row] = of_kind) -> int | None:
            return sum(row[column] for row in of_kind) if of_kind else None

        cases, reached, lent = add("cases"), add("disbursed"), add("disbursed_vnd")
        is_small = reached is not None and 0 < reached < CUSTOMERS_AT_LEAST
        found.append(maker.make(f"{name}_identified", _shown(cases), "count", "demand_coverage.cases"))
        found.append(maker.make(f"{name}_reached", _shown(reached), "count", "demand_coverage.disbursed"))
        if name == "workers_abroad":
            found.append(
                maker.make(f"{name}_lent", HIDDEN if is_small else lent, "vnd", "demand_coverage.disbursed_vnd")
            )
    return found


def _targets(maker: Maker, scorecard: Row) -> list[Figure]:
    needed, ratio = find_targets(maker.rows)
    aim = ratio["target_value"] if ratio else None
    leave = None
    if aim is not None:
        allowed = (Decimal(aim) * scorecard["outstanding_vnd"] / 100).quantize(Decimal(1), ROUND_HALF_UP)
        leave = max(0, scorecard["overdue_vnd"] - int(allowed))
    return [
        maker.make("overdue_target_pct", aim, "pct", "target_progress.target_value"),
        maker.make("overdue_to_leave", leave, "vnd", "branch_scorecard.overdue_vnd, outstanding_vnd; target_progress"),
        maker.make("capital_needed", None if needed is None else _needed(needed["gap"]), "vnd", "target_progress.gap"),
    ]


def find_targets(rows: FrozenRows) -> tuple[Row | None, Row | None]:
    """Return the board's targets of local capital and of the overdue ratio: in force on the day, for the whole branch.

    Of several the one that was decided last; then the one whose period began last, the highest version, the last plan id.
    The nation has no board that sets one: both are None.
    """
    if rows.branch == NATION:
        return None, None
    targets, day = rows.read_targets(), rows.edition.as_of

    def find(indicator: str) -> Row | None:
        found = [
            row for row in targets
            if row["indicator"] == indicator and row["scope_code"] == rows.branch
            and row["period_start"] <= day <= row["due_on"]
            and row["programme_code"] is None and row["source_code"] in WHOLE[indicator]
        ]  # fmt: skip
        newest = ("decided_on", "period_start", "plan_version", "plan_id")
        return max(found, key=lambda row: [row[name] for name in newest], default=None)

    return find("local_capital_received"), find("overdue_ratio_pct")


def _shown(count: int | None) -> Value:
    return HIDDEN if count is not None and 0 < count < CUSTOMERS_AT_LEAST else count


def _needed(gap: Decimal | int | None) -> int | None:
    """What is still needed: nothing more once the target is passed."""
    return None if gap is None else max(0, int(Decimal(gap).quantize(Decimal(1), ROUND_HALF_UP)))
