"""The sections on capital, lending and collection."""

from __future__ import annotations

from typing import Any

from reporting.board_report.benchmarks import find_benchmark
from reporting.board_report.charts import (
    BLUE,
    GOLD,
    GREEN,
    MUTED,
    PALE,
    RED,
    Bar,
    draw_bars,
    draw_line,
    draw_shares,
    draw_waterfall,
)
from reporting.board_report.context import Columns, Context
from reporting.board_report.figures import percent
from reporting.board_report.model import Chart, Section, Table, Value
from reporting.board_report.numbers import BILLION, MILLION, UNITS, write_date, write_headline
from reporting.board_report.suppression import CUSTOMERS_AT_LEAST, HIDDEN, LOANS_AT_LEAST, find_small

TIERS = ("central", "mobilised", "local")
TIER_COLOURS = {"central": BLUE, "mobilised": PALE, "local": GOLD}
BENCHMARKS = (
    ("local_share_of_capital_pct", "capital"),
    ("local_share_of_outstanding_pct", "outstanding"),
    ("overdue_ratio_pct", "overdue"),
    ("overdue_frozen_ratio_pct", "overdue_frozen"),
)


def make_summary(context: Context) -> Section:
    """The headline figures, the way of the outstanding through the quarter, and what moved it."""
    words = context.words
    sentences, charts = [], []
    days = context.rows.read_flows_by("value_date")
    if days:
        points, steps, is_derived = trace_outstanding(context, days)
        scale, unit = scale_of(context, [context.scorecard["outstanding_vnd"]])
        if points[0][0] < points[-1][0]:
            charts.append(Chart("trend", title(context, "trend", unit), draw_line([(day, value / scale) for day, value in points], context.language),
                                describe(context, "trend", [(write_date(day, context.language), value) for day, value in (points[0], points[-1])])))  # fmt: skip
        bars = [Bar(words(f"w_{key}"), value / scale, _colour(key, value)) for key, value in steps]
        charts.append(Chart("waterfall", title(context, "waterfall", unit), draw_waterfall(bars, context.language),
                            describe(context, "waterfall", [(words(f"w_{key}"), value) for key, value in steps])))  # fmt: skip
        if is_derived:
            sentences.append(words("n_derived"))
    keys = ("outstanding", "change_from_year_start", "growth_from_year_start_pct", "disbursed", "collected", "customers", "loans",
            "avg_outstanding_per_customer", "households_reached", "overdue_ratio_pct", "overdue_frozen_ratio_pct",
            "local_share_of_capital_pct", "local_share_of_outstanding_pct", "absconded_cases")  # fmt: skip
    return Section("summary", words("s_summary"), context.pick(*keys), tuple(charts), (), tuple(sentences))


def trace_outstanding(
    context: Context, days: list[dict[str, Any]]
) -> tuple[list[tuple[Any, int]], list[tuple[str, int]], bool]:
    """Return the outstanding by day backwards from the closing, and the steps from the opening to it, in đồng.

    The opening is that of the day before the quarter; where it is not visible it is derived (the last value is True).
    """
    closing, change = context.scorecard["outstanding_vnd"], context.scorecard.get("change_from_quarter_start_vnd")
    moves = {
        row["code"]: row["disbursed_vnd"] - row["collected_vnd"] - row["written_off_vnd"] + row["transferred_vnd"]
        for row in days
    }
    level, points = closing - sum(moves.values()), []
    opening = closing - change if change is not None else level
    for day in sorted(moves):
        level += moves[day]
        points.append((day, level))
    if points[-1][0] < context.rows.edition.as_of:
        points.append((context.rows.edition.as_of, level))
    names = ("disbursed", "collected", "written_off", "transferred")
    sums = {key: sum(row[f"{key}_vnd"] for row in days) for key in names}
    rest = closing - opening - sum(moves.values())
    steps = [("opening", opening), ("lent", sums["disbursed"]), ("collected", -sums["collected"]),
             ("written_off", -sums["written_off"]), ("transferred", sums["transferred"]), ("rest", rest), ("closing", closing)]  # fmt: skip
    return points, [step for step in steps if step[1] or step[0] in ("opening", "closing")], change is None


def make_capital(context: Context) -> Section:
    """Capital by source and tier, both local shares, and the nation beside each on the same basis."""
    words, language = context.words, context.language
    rows = context.rows.read_capital()
    context.name("capital_source", "")
    order = list(context.names["capital_source"])
    rows.sort(key=lambda row: (TIERS.index(row["tier"]), order.index(row["code"]) if row["code"] in order else 99))
    total = sum(row["balance_vnd"] for row in rows)
    lines: list[list[Value]] = []
    for tier in TIERS:
        of_tier = [row for row in rows if row["tier"] == tier]
        lines += [[context.name("capital_source", row["code"]), row["balance_vnd"], percent(row["balance_vnd"], total), row["lent_vnd"],
                   row["committed_not_received_vnd"]] for row in of_tier]  # fmt: skip
    lent = [row["lent_vnd"] for row in rows]
    lines.append([words("total"), total, percent(total, total), sum(lent) if None not in lent else None,
                  sum(row["committed_not_received_vnd"] or 0 for row in rows)])  # fmt: skip
    columns: Columns = [("source", "text"), ("balance", "vnd"), ("share", "pct"), ("lent", "vnd"), ("committed", "vnd")]
    sums = {tier: sum(row["balance_vnd"] for row in rows if row["tier"] == tier) for tier in TIERS}
    parts = [Bar(words(f"tier_{tier}"), float(sums[tier]), TIER_COLOURS[tier]) for tier in TIERS]
    chart = Chart(
        "mix",
        words("g_mix"),
        draw_shares(parts, language),
        describe(context, "mix", [(part.label, int(part.value)) for part in parts]),
    )
    keys = ("capital_total", "capital_local", "local_share_of_capital_pct", "local_share_of_outstanding_pct",
            "local_capital_to_outstanding_pct", "local_idle")  # fmt: skip
    table = context.table("sources", columns, lines, context.source("capital_sources"), has_total=True)
    return Section("capital", words("s_capital"), context.pick(*keys), (chart,), (make_benchmarks(context), table))


def make_benchmarks(context: Context) -> Table:
    """Each ratio beside the nation's of the same basis; a basis without a printed national figure says so."""
    words = context.words
    lines: list[list[Value]] = []
    for indicator, basis in BENCHMARKS:
        figure = context.figures[indicator]
        found = find_benchmark(indicator, basis, context.rows.edition.as_of)
        lines.append([figure.label, words(f"basis_{basis}"), figure.value, found.value if found else words("none_on_record"),
                      found.as_of if found else None])  # fmt: skip
    columns: Columns = [
        ("measure", "text"),
        ("basis", "text"),
        ("here", "pct"),
        ("benchmark", "pct"),
        ("benchmark_day", "date"),
    ]
    note = context.source("capital_mix, branch_scorecard", more=words("n_benchmark"))
    return context.table("benchmarks", columns, lines, note)


def make_lending(context: Context) -> Section:
    """Turnover, collection, beneficiaries; outstanding by programme and by organisation."""
    words = context.words
    rows = context.rows.read_balances_by("programme_code")
    hidden = find_small([row["loans"] for row in rows], LOANS_AT_LEAST)
    scale, unit = scale_of(context, [row["outstanding_vnd"] for row in rows])
    shown = [row for place, row in enumerate(rows) if place not in hidden][:12]
    bars = [Bar(_short(context.name("programme", row["code"])), row["outstanding_vnd"] / scale) for row in shown]
    charts = (Chart("programmes", title(context, "programmes", unit), draw_bars(bars, context.language),
                    describe(context, "programmes", [(bar.label, row["outstanding_vnd"]) for bar, row in zip(bars, shown, strict=True)])),)  # fmt: skip
    keys = ("disbursed", "disbursed_ytd", "collected", "collected_ytd", "households_reached", "customers", "groups", "groups_good_pct",
            "entrusted_share_pct")  # fmt: skip
    tables = (
        make_balances(context, "programmes", "programme", rows),
        _make_flows(context),
        _make_organisations(context),
    )
    return Section("lending", words("s_lending"), context.pick(*keys), charts if bars else (), tables)


def make_balances(context: Context, key: str, dimension: str, rows: list[dict[str, Any]]) -> Table:
    """A table of loans and buckets by a dimension, its total being the scorecard's outstanding."""
    hidden = find_small([row["loans"] for row in rows], LOANS_AT_LEAST)
    lines: list[list[Value]] = []
    for place, row in enumerate(rows):
        amounts = [row["loans"], row["in_term_vnd"], row["overdue_vnd"], row["frozen_vnd"], row["outstanding_vnd"]]
        ratio = percent(row["overdue_vnd"], row["outstanding_vnd"])
        cells: list[Value] = [HIDDEN] * 6 if place in hidden else [*amounts, ratio]
        lines.append([context.name(dimension, row["code"]), *cells])
    sums = [
        sum(row[name] for row in rows)
        for name in ("loans", "in_term_vnd", "overdue_vnd", "frozen_vnd", "outstanding_vnd")
    ]
    lines.append([context.words("total"), *sums, percent(sums[2], sums[4])])
    columns: Columns = [(dimension, "text"), ("loans", "count"), ("in_term", "vnd"), ("overdue", "vnd"), ("frozen", "vnd"), ("outstanding", "vnd"),
               ("overdue_pct", "pct")]  # fmt: skip
    return context.table(key, columns, lines, context.source("loan_balances"), has_total=True)


def _make_flows(context: Context) -> Table:
    rows = context.rows.read_flows_by("programme_code")
    rows.sort(key=lambda row: (-row["disbursed_vnd"], row["code"]))
    # A programme that nobody borrowed from can still have been repaid by a few: its loans are not counted in flows.
    balances = {row["code"]: row["loans"] for row in context.rows.read_balances_by("programme_code")}
    counts = [min(abs(row["disbursed_loans"] or 0) or LOANS_AT_LEAST, balances.get(row["code"], 1)) for row in rows]
    hidden = find_small(counts, LOANS_AT_LEAST)
    names = ("disbursed_vnd", "collected_vnd", "written_off_vnd")
    lines: list[list[Value]] = [
        [context.name("programme", row["code"]), *([HIDDEN] * 3 if place in hidden else [row[name] for name in names])]
        for place, row in enumerate(rows)
    ]
    lines.append([context.words("total"), *(sum(row[name] for row in rows) for name in names)])
    columns: Columns = [("programme", "text"), ("disbursed", "vnd"), ("collected", "vnd"), ("written_off", "vnd")]
    return context.table("flows", columns, lines, context.source("lending_flows", is_flow=True), has_total=True)


def _make_organisations(context: Context) -> Table:
    rows = context.rows.read_organisations()
    hidden = find_small([row["borrowers"] for row in rows], CUSTOMERS_AT_LEAST)
    entrusted = sum(row["outstanding_vnd"] for row in rows)
    lines: list[list[Value]] = []
    for place, row in enumerate(rows):
        cells: list[Value] = [row["groups"], row["loans"], row["borrowers"], row["outstanding_vnd"], percent(row["outstanding_vnd"], entrusted),
                 row["overdue_vnd"], percent(row["overdue_vnd"], row["outstanding_vnd"])]  # fmt: skip
        lines.append([context.name("organisation", row["code"]), *([HIDDEN] * 7 if place in hidden else cells)])
    columns: Columns = [("organisation", "text"), ("groups", "count"), ("loans", "count"), ("borrowers", "count"), ("outstanding", "vnd"), ("share", "pct"),
               ("overdue", "vnd"), ("overdue_pct", "pct")]  # fmt: skip
    return context.table("organisations", columns, lines, context.source("organisations"))


def _short(programme: str) -> str:
    # Every Vietnamese name begins with "lending to"; the picture's title has said so.
    name = programme.removeprefix("Cho vay ")
    return name[:1].upper() + name[1:]


def scale_of(context: Context, amounts: list[int]) -> tuple[int, str]:
    """The unit of a picture: billions, or millions where everything is below ten billion."""
    is_large = max(map(abs, amounts), default=0) >= 10 * BILLION
    return (BILLION, UNITS[context.language][0]) if is_large else (MILLION, UNITS[context.language][1])


def title(context: Context, key: str, unit: str) -> str:
    """The title of a picture, with the unit it is drawn in."""
    return context.words(f"g_{key}").replace(UNITS[context.language][0], unit)


def describe(context: Context, key: str, values: list[tuple[str, int]]) -> str:
    """The picture in words, for those who cannot see it; each amount with a unit of its own."""
    told = "; ".join(f"{label} {write_headline(value, 'vnd', context.language)}" for label, value in values)
    return f"{context.words(f'g_{key}').replace(f', {UNITS[context.language][0]}', '')}: {told}"


def _colour(key: str, value: int) -> str:
    if key in ("opening", "closing"):
        return BLUE
    return MUTED if key == "rest" else GREEN if value > 0 else RED
