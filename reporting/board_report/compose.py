"""A report from the frozen rows of one edition: which sections there are, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

from reporting.board_report import closing, debt, money
from reporting.board_report.context import Context
from reporting.board_report.edition import Edition
from reporting.board_report.figures import read_figures
from reporting.board_report.frozen import NATION, FrozenRows
from reporting.board_report.model import Report
from reporting.board_report.numbers import Language, write_date
from reporting.board_report.printed import PrintedSentence
from reporting.board_report.words import Words
from reporting.quarter import BANK_TIME, QuarterError
from warehouse.connect import Connection


def compose_report(
    connection: Connection, edition: Edition, branch: str, language: Language, printed: Sequence[PrintedSentence] = ()
) -> Report:
    """Return the report of one branch, or of the nation ("*"). Raises QuarterError when nothing is frozen of the branch."""
    rows, words = FrozenRows(connection, edition, branch), Words(language)
    scorecard = rows.read_scorecard()
    if scorecard is None:
        raise QuarterError(
            f"{edition.quarter.code} version {edition.version} has no figures of branch {branch}",
            remedy="Name a branch that delivered the quarter's last day, or leave --branch out for the nation.",
        )
    unit = rows.read_unit() if branch != NATION else None
    name = words("nation") if branch == NATION else (unit[f"name_{language}"] if unit else branch)
    place = words("territory_nation") if branch == NATION else words("territory", name=name, code=branch)
    context = Context(rows, words, scorecard, read_figures(rows, scorecard, words), place)
    earlier = closing.read_earlier(context)
    sections = [
        money.make_summary(context),
        *([closing.make_printed(context, printed)] if printed else []),
        money.make_capital(context),
        money.make_lending(context),
        debt.make_debt(context),
        debt.make_absconded(context),
        debt.make_demand(context),
        closing.make_targets(context, earlier),
        closing.make_comparison(context, earlier),
        *([closing.make_branches(context)] if branch == NATION else []),
        closing.make_closing(context),
        closing.make_definitions(context),
    ]
    quarter = words("quarter", number=edition.quarter.number, year=edition.quarter.year)
    return Report(
        language, f"{name} — {quarter}", words("title"), words("bank"), place, edition.as_of, _facts(context), tuple(sections),
        words("suppressed"), context.figures,
    )  # fmt: skip


def _facts(context: Context) -> tuple[tuple[str, str], ...]:
    words, edition, card = context.words, context.rows.edition, context.scorecard
    unit = "branches" if context.rows.branch == NATION else "offices"
    complete = words(f"fact_{unit}", got=card[f"{unit}_delivered"], want=card[f"{unit}_expected"])
    is_provisional = bool(card.get("is_provisional")) or (
        unit == "branches" and bool(edition.inputs["completeness"]["provisional"])
    )
    published = write_date(edition.published_at.astimezone(BANK_TIME).date(), context.language)
    version = words("fact_version_text", quarter=edition.quarter.code, version=edition.version, day=published)
    return (
        (words("fact_as_of"), write_date(edition.as_of, context.language)),
        (words("fact_territory"), context.place),
        (words("fact_version"), version),
        (words("fact_approved"), edition.approved_by),
        (words("fact_complete"), f"{complete}; {words('fact_provisional' if is_provisional else 'fact_final')}"),
        (words("fact_checksum"), edition.content_sha256[:16]),
    )
