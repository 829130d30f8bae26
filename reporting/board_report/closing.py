"""The sections on targets, earlier quarters, completeness and restatements, definitions, and printed words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from reporting.board_report.charts import Bar, draw_bars, draw_path
from reporting.board_report.context import Columns, Context
from reporting.board_report.edition import Edition, find_earlier_editions, find_previous_version
from reporting.board_report.figures import OF_PERSONS, SCORECARD, find_targets, percent
from reporting.board_report.frozen import NATION, Row
from reporting.board_report.model import Chart, Figure, Kind, Measure, Section, Value
from reporting.board_report.money import describe, scale_of, title
from reporting.board_report.numbers import write_headline, write_number
from reporting.board_report.printed import PrintedSentence
from reporting.board_report.suppression import CUSTOMERS_AT_LEAST, HIDDEN

MONTH_DAYS = Decimal("30.4375")
NAMES = {column: key for key, column, _ in SCORECARD}
PERSONS = {column for key, column, _ in SCORECARD if key in OF_PERSONS} | {"borrowers_reached_ytd"}
COMPARED = (
    "outstanding_vnd",
    "overdue_vnd",
    "frozen_vnd",
    "loans",
    "borrowers",
    "disbursed_qtd_vnd",
    "collected_qtd_vnd",
)


def make_targets(context: Context, earlier: Sequence[tuple[Edition, Row]]) -> Section:
    """Targets with the gap and the pace needed, and the way of the overdue ratio to its target."""
    words, language = context.words, context.language
    targets = context.rows.read_targets()
    lines: list[list[Value]] = []
    for row in targets:
        kind: Kind = "pct" if row["indicator"].endswith("_pct") else "vnd"
        cells = [
            _measure(row[name], kind, has_unit=False)
            for name in ("target_value", "actual_value", "gap", "required_per_month")
        ]
        on_track = row.get("on_track")
        of = _limits(context, row)
        lines.append([f"{words.of_code('i', row['indicator'])}{of} · {row['plan_id']}", *cells, row.get("due_on"), row.get("days_left"),
                      None if on_track is None else words("yes" if on_track else "no")])  # fmt: skip
    columns: Columns = [("indicator", "text"), ("target", "number"), ("actual", "number"), ("gap", "number"),
                        ("pace", "number"), ("due", "date"), ("days_left", "count"), ("on_track", "text")]  # fmt: skip
    note = context.source("target_progress", more=words("n_targets"))
    table = context.table("targets", columns, lines, note)
    charts = []
    _, ratio = find_targets(context.rows)
    actual = context.scorecard["overdue_ratio_pct"]
    if ratio and actual is not None and ratio["due_on"] > context.rows.edition.as_of:
        due = ratio["due_on"]
        history = [(edition.as_of, _ratio(row)) for edition, row in earlier if row["outstanding_vnd"]]
        history.append((context.rows.edition.as_of, float(actual)))
        pace = max(Decimal(0), Decimal(actual) - ratio["target_value"]) / (
            Decimal((due - context.rows.edition.as_of).days) / MONTH_DAYS
        )
        aim = write_number(ratio["target_value"], 2, language)
        told = (words("path_way", pace=write_number(pace, 2, language)), words("path_target", target=aim))
        svg = draw_path(history, (due, float(ratio["target_value"])), told, language)
        here = write_number(actual, 2, language)
        charts.append(Chart("path", words("g_path"), svg, f"{words('g_path')}: {here} → {told[1]}; {told[0]}"))
    keys = ("overdue_ratio_pct", "overdue_target_pct", "overdue_to_leave", "capital_needed")
    return Section("targets", words("s_targets"), context.pick(*keys), tuple(charts), (table,))


def _limits(context: Context, row: Row) -> str:
    """What a target is of, where that is not the whole territory of the report: branch, programme, source."""
    branch = row["scope_code"] if row["scope_code"] != context.rows.branch else None
    found = (("branch", branch), ("programme", row["programme_code"]), ("capital_source", row["source_code"]))
    return "".join(f" — {context.name(dimension, code)}" for dimension, code in found if code is not None)


def read_earlier(context: Context) -> list[tuple[Edition, Row]]:
    """Return the sums of the scorecards of earlier quarters on the same territory, oldest first."""
    unit, found = context.rows.read_unit() if context.rows.branch != NATION else None, []
    for edition in find_earlier_editions(context.rows.connection, context.rows.edition):
        cards = context.rows.read_earlier(edition, unit)
        if cards:
            sums = {
                name: None if any(card[name] is None for card in cards) else sum(card[name] for card in cards)
                for name in COMPARED
            }
            found.append((edition, sums))
    return found


def make_comparison(context: Context, earlier: Sequence[tuple[Edition, Row]]) -> Section:
    """The same measures at the end of every published quarter, on the territory of the report."""
    words = context.words
    if not earlier:
        return Section("compare", words("s_compare"), sentences=(words("n_no_earlier"),))
    columns: Columns = [("quarter", "text"), ("version", "count"), ("day", "date"), ("outstanding", "vnd"), ("overdue", "vnd"),
                        ("frozen", "vnd"), ("overdue_pct", "pct"), ("loans", "count"), ("borrowers", "count"), ("disbursed", "vnd"),
                        ("collected", "vnd")]  # fmt: skip
    lines: list[list[Value]] = []
    for edition, row in [*earlier, (context.rows.edition, context.scorecard)]:
        lines.append([edition.quarter.code, edition.version, edition.as_of, row["outstanding_vnd"], row["overdue_vnd"], row["frozen_vnd"],
                      percent(row["overdue_vnd"], row["outstanding_vnd"]), row["loans"], row["borrowers"], row["disbursed_qtd_vnd"],
                      row["collected_qtd_vnd"]])  # fmt: skip
    name = "national_scorecard" if context.rows.branch == NATION else "branch_scorecard"
    table = context.table("compare", columns, lines, context.source(name, more=words("n_compare")))
    return Section("compare", words("s_compare"), tables=(table,))


def make_branches(context: Context) -> Section:
    """Of the nation: its branches by outstanding."""
    rows = sorted(context.rows.read_branches(), key=lambda row: (-row["outstanding_vnd"], row["branch_code"]))
    lines: list[list[Value]] = [
        [context.name("branch", row["branch_code"]), row["branch_code"], row["loans"], row["borrowers"], row["outstanding_vnd"],
         row["overdue_vnd"], row["frozen_vnd"], row["overdue_ratio_pct"]] for row in rows
    ]  # fmt: skip
    columns: Columns = [("branch", "text"), ("code", "text"), ("loans", "count"), ("borrowers", "count"), ("outstanding", "vnd"),
                        ("overdue", "vnd"), ("frozen", "vnd"), ("overdue_pct", "pct")]  # fmt: skip
    scale, unit = scale_of(context, [row["outstanding_vnd"] for row in rows])
    bars = [Bar(context.name("branch", row["branch_code"]), row["outstanding_vnd"] / scale) for row in rows[:15]]
    told = [(bar.label, row["outstanding_vnd"]) for bar, row in zip(bars, rows, strict=False)]
    chart = Chart(
        "branches",
        title(context, "branches", unit),
        draw_bars(bars, context.language),
        describe(context, "branches", told),
    )
    return Section(
        "branches",
        context.words("s_branches"),
        (),
        (chart,),
        (context.table("branches", columns, lines, context.source("branch_scorecard")),),
    )


def make_closing(context: Context) -> Section:
    """How complete the quarter is, and what this version restates of the one before."""
    words, edition = context.words, context.rows.edition
    complete = edition.inputs["completeness"]
    missing = complete["missing"]
    got, want = len(complete["expected"]) - len(missing), len(complete["expected"])
    sentences = [words("n_branches_delivered", got=got, want=want)]
    sentences.append(words("n_missing", codes=", ".join(missing)) if missing else words("n_none_missing"))
    if context.rows.branch != NATION:
        offices = words(
            "fact_offices", got=context.scorecard["offices_delivered"], want=context.scorecard["offices_expected"]
        )
        provisional = words("fact_provisional" if context.scorecard["is_provisional"] else "fact_final")
        sentences.append(words("n_here_delivered", offices=offices, provisional=provisional))
    previous = find_previous_version(context.rows.connection, edition)
    if previous is None:
        return Section("closing", words("s_closing"), sentences=(*sentences, words("n_first_version")))
    sentences.append(words("n_restated", version=previous.version))
    changes: list[list[Value]] = []
    for row in context.rows.read_changes(previous):
        kind: Kind = "pct" if row["measure"].endswith("_pct") else "vnd" if row["measure"].endswith("_vnd") else "count"
        values = [row[name] for name in ("compared_value", "value", "change")]
        is_small = row["measure"] in PERSONS and any(0 < value < CUSTOMERS_AT_LEAST for value in values[:2] if value)
        label = words(NAMES[row["measure"]]) if row["measure"] in NAMES else row["measure"]
        changes.append([label, *(HIDDEN if is_small else _measure(value, kind) for value in values)])
    columns: Columns = [("measure", "text"), ("before", "number"), ("now", "number"), ("change", "number")]
    tables = [context.table("changes", columns, changes, context.source("compare_versions"))]
    inputs: list[list[Value]] = [
        [name, code, day, words(f"cause_{cause}")] for name, code, day, cause in _find_changed_inputs(context, previous)
    ]
    columns = [("branch", "text"), ("code", "text"), ("day", "date"), ("cause", "text")]
    tables.append(context.table("inputs", columns, inputs, context.source("quarter_close")))
    return Section("closing", words("s_closing"), (), (), tuple(tables), tuple(sentences))


def _find_changed_inputs(context: Context, previous: Edition) -> list[tuple[str, str, dt.date, str]]:
    before, now = ({(item["branch_code"], item["business_date"]): item["descriptor_sha256"] for item in edition.inputs["deliveries"]}
                   for edition in (previous, context.rows.edition))  # fmt: skip
    found = find_changed(before, now, f"{context.rows.edition.as_of.year - 1}-12-31")
    return [(context.name("branch", code), code, dt.date.fromisoformat(day), cause) for code, day, cause in found]


def find_changed(
    before: dict[tuple[str, str], str], now: dict[tuple[str, str], str], year_opening: str
) -> list[tuple[str, str, str]]:
    """Return branch, date and cause (late, corrected) of each delivery that two versions of a quarter do not share.

    How far back before the year a version looks depends on its targets: what lies before the first day of a branch in the
    other version was not asked for there.
    """
    first_days = [
        {code: min(day for other, day in version if other == code) for code, _ in version} for version in (before, now)
    ]
    changed = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
    return [
        (code, day, "corrected" if (code, day) in before else "late")
        for code, day in changed
        if day >= year_opening or all(first.get(code, day) <= day for first in first_days)
    ]


def make_printed(context: Context, printed: Sequence[PrintedSentence]) -> Section:
    """Each sentence of the article that carries a figure, beside the figures that the report has for it."""
    words, language = context.words, context.language
    lines: list[list[Value]] = []
    for sentence in printed:
        figures = [context.figures[check.figure] for check in sentence.checks]
        computed = "; ".join(
            f"{figure.label}: {write_headline(figure.value, figure.kind, language)}" for figure in figures
        )
        verdicts = [check.agrees(figure) for check, figure in zip(sentence.checks, figures, strict=True)]
        told = [verdict for verdict in verdicts if verdict is not None]
        agrees = None if not told else words("yes" if all(told) else "no")
        lines.append(
            [
                _bind(sentence.text[language]),
                computed or None,
                agrees,
                _bind(sentence.remark.get(language, "")),
            ]
        )
    columns: Columns = [("printed", "text"), ("computed", "text"), ("agrees", "text"), ("remark", "text")]
    return Section(
        "printed", words("s_printed"), tables=(context.table("printed", columns, lines, words("n_printed")),)
    )


def _bind(text: str) -> str:
    # A number and its percent sign stay on one line.
    return text.replace(" %", "\u00a0%")


def make_definitions(context: Context) -> Section:
    """Every headline figure: exact value, definition, day, frozen column."""
    lines: list[list[Value]] = [
        [figure.label, _exact(figure), figure.definition, figure.as_of, figure.source]
        for figure in context.figures.values()
    ]
    columns: Columns = [
        ("measure", "text"),
        ("value", "number"),
        ("definition", "text"),
        ("day", "date"),
        ("frozen_column", "text"),
    ]
    return Section(
        "definitions",
        context.words("s_definitions"),
        tables=(context.table("definitions", columns, lines, context.place),),
    )


def _exact(figure: Figure) -> Value:
    return Measure(figure.value, figure.kind) if isinstance(figure.value, int | Decimal) else figure.value


def _ratio(row: Row) -> float:
    return float(percent(row["overdue_vnd"], row["outstanding_vnd"]) or 0)


def _measure(value: Decimal | int | None, kind: Kind, *, has_unit: bool = True) -> Value:
    if value is None:
        return None
    return Measure(value if kind == "pct" else int(Decimal(value).quantize(Decimal(1), ROUND_HALF_UP)), kind, has_unit)
