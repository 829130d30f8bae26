"""The sections on late debt, on borrowers who left and on demand. Communes are ranked, never persons."""

from __future__ import annotations

from decimal import Decimal

from reporting.board_report.charts import BLUE, GOLD, RED, Bar, draw_bars, draw_shares
from reporting.board_report.context import Columns, Context
from reporting.board_report.figures import percent
from reporting.board_report.frozen import Row
from reporting.board_report.model import Chart, Section, Table, Value
from reporting.board_report.money import describe, scale_of, title
from reporting.board_report.numbers import write_number
from reporting.board_report.suppression import CUSTOMERS_AT_LEAST, HIDDEN, LOANS_AT_LEAST, find_small

BANDS = ("1-30", "31-90", "91-180", "181-360", "over 360", "frozen")
YEARS = ("under 1", "1-2", "over 2")
CHARTED, LISTED = 12, 20
OUTCOMES = ("identified", "applied", "approved", "disbursed", "refused", "not_interested")


def make_debt(context: Context) -> Section:
    """Overdue and frozen debt: against the nation, by days, by commune."""
    rows = context.rows.read_late_communes()
    hidden = _find_hidden_communes(rows)
    late = [row for place, row in enumerate(rows) if place not in hidden and row["overdue_vnd"] > 0][:CHARTED]
    charts = []
    if late:
        scale, unit = scale_of(context, [row["overdue_vnd"] for row in late])
        bars = [Bar(_commune(context, row), row["overdue_vnd"] / scale, RED) for row in late]
        told = [(bar.label, row["overdue_vnd"]) for bar, row in zip(bars, late, strict=True)]
        charts.append(
            Chart(
                "communes",
                title(context, "communes", unit),
                draw_bars(bars, context.language),
                describe(context, "communes", told),
            )
        )
    keys = ("overdue", "frozen", "overdue_ratio_pct", "overdue_frozen_ratio_pct", "par30_ratio_pct", "overdue_times_national",
            "overdue_frozen_times_national", "clean_communes")  # fmt: skip
    tables = (_make_bands(context), _make_communes(context, rows, hidden))
    return Section("debt", context.words("s_debt"), context.pick(*keys), tuple(charts), tables)


def _find_hidden_communes(rows: list[Row]) -> set[int]:
    # A commune is shown or hidden as a whole: each of its counts must be of nobody or of enough.
    return {place for count in ("loans", "overdue_loans", "frozen_loans")
            for place in find_small([row[count] for row in rows], LOANS_AT_LEAST)}  # fmt: skip


def _commune(context: Context, row: Row) -> str:
    name = context.name("commune", row["code"])
    return name if context.rows.branch != "*" else f"{name} ({context.name('branch', row['branch_code'])})"


def _make_communes(context: Context, rows: list[Row], hidden: set[int]) -> Table:
    shown = [row for place, row in enumerate(rows) if place not in hidden]
    unshown = sorted(
        (row for place, row in enumerate(rows) if place in hidden), key=lambda row: (row["branch_code"], row["code"])
    )
    lines: list[list[Value]] = [
        [rank, _commune(context, row), row["code"], row["overdue_loans"], row["overdue_vnd"], row["frozen_vnd"], row["outstanding_vnd"],
         percent(row["overdue_vnd"], row["outstanding_vnd"])]
        for rank, row in enumerate(shown, start=1)
    ]  # fmt: skip
    lines += [[None, _commune(context, row), row["code"], *[HIDDEN] * 5] for row in unshown]
    sums = [
        sum(row[name] for row in rows) for name in ("overdue_loans", "overdue_vnd", "frozen_vnd", "outstanding_vnd")
    ]
    lines.append([None, context.words("total"), "", *sums, percent(sums[1], sums[3])])
    columns: Columns = [("rank", "count"), ("commune", "text"), ("code", "text"), ("overdue_loans", "count"), ("overdue", "vnd"),
                        ("frozen", "vnd"), ("outstanding", "vnd"), ("overdue_pct", "pct")]  # fmt: skip
    note = context.source("overdue_debt, loan_balances", more=context.words("n_communes"))
    return context.table("communes", columns, lines, note, has_total=True, shown=LISTED)


def _make_bands(context: Context) -> Table:
    rows = sorted(context.rows.read_bands(), key=lambda row: BANDS.index(row["code"]))
    hidden = find_small([row["loans"] for row in rows], LOANS_AT_LEAST)
    names = ("loans", "overdue_vnd", "frozen_vnd")
    lines: list[list[Value]] = [
        [context.words.of_code("b", row["code"]), *([HIDDEN] * 3 if place in hidden else [row[name] for name in names])]
        for place, row in enumerate(rows)
    ]
    lines.append([context.words("total"), *(sum(row[name] for row in rows) for name in names)])
    columns: Columns = [("band", "text"), ("loans", "count"), ("overdue", "vnd"), ("frozen", "vnd")]
    return context.table("bands", columns, lines, context.source("overdue_debt"), has_total=True)


def make_absconded(context: Context) -> Section:
    """What those who left owe, by the state of the debt: most of it need not be overdue."""
    rows = sorted(context.rows.read_absconded(), key=lambda row: YEARS.index(row["code"]))
    hidden = find_small([row["borrowers"] for row in rows], CUSTOMERS_AT_LEAST)
    names = ("cases", "borrowers", "loans", "in_term_vnd", "overdue_vnd", "frozen_vnd", "recovered_vnd")
    sums = {name: sum(row[name] for row in rows) for name in names}
    is_small = 0 < sums["borrowers"] < CUSTOMERS_AT_LEAST
    lines: list[list[Value]] = [
        [context.words.of_code("y", row["code"]), *([HIDDEN] * 7 if place in hidden else [row[name] for name in names])]
        for place, row in enumerate(rows)
    ]
    lines.append([context.words("total"), *([HIDDEN] * 7 if is_small else sums.values())])
    columns: Columns = [("absent", "text"), ("cases", "count"), ("borrowers", "count"), ("loans", "count"), ("in_term", "vnd"),
                        ("overdue", "vnd"), ("frozen", "vnd"), ("recovered", "vnd")]  # fmt: skip
    note = context.source("absconded_borrowers", more=context.words("n_absconded"))
    charts = []
    if rows and not is_small:
        states = (("in_term", BLUE), ("overdue", RED), ("frozen", GOLD))
        parts = [Bar(context.words(f"state_{state}"), float(sums[f"{state}_vnd"]), colour) for state, colour in states]
        told = [(part.label, int(part.value)) for part in parts]
        charts.append(
            Chart(
                "absconded",
                context.words("g_absconded"),
                draw_shares(parts, context.language),
                describe(context, "absconded", told),
            )
        )
    table = context.table("absconded", columns, lines, note, has_total=True)
    return Section(
        "absconded",
        context.words("s_absconded"),
        context.pick("absconded_cases", "absconded_borrowers"),
        tuple(charts),
        (table,),
    )


def make_demand(context: Context) -> Section:
    """Persons entitled to a programme and how many were reached."""
    words, rows = context.words, context.rows.read_demand()
    keys = (
        "workers_abroad_identified",
        "workers_abroad_reached",
        "workers_abroad_lent",
        "stem_students_identified",
        "stem_students_reached",
    )
    if not rows:
        return Section("demand", words("s_demand"), context.pick(*keys), sentences=(words("n_no_demand"),))
    lines: list[list[Value]] = []
    bars = []
    for row in rows:
        kind, counts = words.of_code("k", row["kind"]), [row[name] for name in OUTCOMES]
        hidden = find_small(counts, CUSTOMERS_AT_LEAST)
        is_small, is_reached_hidden = 0 < row["cases"] < CUSTOMERS_AT_LEAST, OUTCOMES.index("disbursed") in hidden
        coverage = percent(row["disbursed"], row["cases"])
        cells: list[Value] = [HIDDEN if place in hidden else count for place, count in enumerate(counts)]
        late: list[Value] = [
            HIDDEN if is_reached_hidden else coverage,
            row["need_vnd"],
            HIDDEN if is_reached_hidden else row["disbursed_vnd"],
        ]
        place_of = f"{kind} — {context.name('programme', row['code'])}"
        shown: list[Value] = [row["cases"], *cells, *late]
        lines.append([place_of, *([HIDDEN] * len(shown) if is_small else shown)])
        if not is_small and not is_reached_hidden and coverage is not None:
            bars.append(Bar(kind, float(coverage), GOLD if row["kind"] in ("worker_abroad", "stem_student") else BLUE))
    columns: Columns = [("kind", "text"), ("cases", "count"), ("identified", "count"), ("applied", "count"), ("approved", "count"),
                        ("reached", "count"), ("refused", "count"), ("not_interested", "count"), ("coverage", "pct"), ("need", "vnd"),
                        ("lent", "vnd")]  # fmt: skip
    told = "; ".join(f"{bar.label} {write_number(Decimal(str(bar.value)), 1, context.language)} %" for bar in bars)
    charts = (
        [Chart("coverage", words("g_coverage"), draw_bars(bars, context.language), f"{words('g_coverage')}: {told}")]
        if bars
        else []
    )
    table = context.table("demand", columns, lines, context.source("demand_coverage"))
    return Section("demand", words("s_demand"), context.pick(*keys), tuple(charts), (table,))
