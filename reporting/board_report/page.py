"""The report as one HTML page that needs nothing else: style, type and pictures are inside."""

from __future__ import annotations

import base64
import functools
import html
import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reporting.board_report import fonts
from reporting.board_report.model import Figure, Measure, Report, Table, Value
from reporting.board_report.numbers import write_headline, write_value
from reporting.board_report.suppression import Hidden
from reporting.board_report.words import Words

FOLDER = Path(__file__).parent
NUMBERS = ("vnd", "pct", "count", "times", "number")


def write_page(report: Report) -> bytes:
    """Return the page, UTF-8."""
    words = Words(report.language)
    body = _environment().get_template("page.html.j2").render(
        report=report, words=words, style=(FOLDER / "page.css").read_text(encoding="utf-8"), raw=raw_value, numbers=NUMBERS,
        show=lambda value, kind: write_value(value, kind, report.language),
        headline=lambda figure: _headline(figure, report), picture=_picture, shown=shown_rows, is_total=is_total,
    )  # fmt: skip
    # The typeface carries the letters of the page and no others.
    text = html.unescape(re.sub(r"<[^>]+>", "", body)) + " "
    for weight in fonts.FILES:
        body = body.replace(f"@font-{weight}@", fonts.embed_font(weight, text))
    return body.encode()


def raw_value(value: Value) -> str | None:
    """The exact value behind a shown one, for machines; None where there is none, or it is suppressed."""
    if isinstance(value, Measure):
        return str(value.value)
    return None if value is None or isinstance(value, str | Hidden) else str(value)


def shown_rows(table: Table) -> list[tuple[Value, ...]]:
    """The rows of a table that page and paper show: the first ones, and always the total."""
    if table.shown is None or len(table.rows) <= table.shown + 1:
        return list(table.rows)
    return [*table.rows[: table.shown], *(table.rows[-1:] if table.has_total else ())]


def is_total(table: Table, place: int) -> bool:
    """True for the last of the shown rows where it is the total."""
    return table.has_total and place == len(shown_rows(table)) - 1


def _headline(figure: Figure, report: Report) -> str:
    return write_headline(figure.value, figure.kind, report.language)


def _picture(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
