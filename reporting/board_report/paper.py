"""The report as PDF, set by Typst: the same sections, figures and pictures as the page; no clock in the file."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import typst

from reporting.board_report import fonts
from reporting.board_report.model import Report, Table
from reporting.board_report.numbers import write_headline, write_value
from reporting.board_report.page import NUMBERS, is_total, shown_rows
from reporting.board_report.words import Words

TEMPLATE = Path(__file__).with_name("paper.typ")


def write_paper(report: Report) -> bytes:
    """Return the PDF. All text reaches Typst as data, never as markup."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "paper.typ").write_bytes(TEMPLATE.read_bytes())
        (root / "report.json").write_text(json.dumps(_as_json(report), ensure_ascii=False), encoding="utf-8")
        for section in report.sections:
            for chart in section.charts:
                (root / f"{chart.key}.svg").write_bytes(chart.svg)
        # Epoch zero: the template sets no date either, so nothing in the file tells when it was made.
        written: bytes = typst.compile(
            str(root / "paper.typ"), root=str(root), font_paths=[str(fonts.FOLDER)], ignore_system_fonts=True, format="pdf", timestamp=0,
        )  # fmt: skip
        return written


def _as_json(report: Report) -> dict[str, Any]:
    words, language = Words(report.language), report.language
    return {
        "language": language, "title": report.title, "subtitle": report.subtitle, "bank": report.bank, "facts": report.facts,
        "notes": [report.suppressed_note, words("exact")], "page": words("page", page="@"), "family": fonts.FAMILY,
        "when": f"{words('as_of', day=write_value(report.as_of, 'date', language))} · {report.territory}",
        "sections": [
            {
                "title": section.title,
                "sentences": section.sentences,
                "figures": [
                    {"label": figure.label, "value": write_headline(figure.value, figure.kind, language) if figure.value is not None else "",
                     "none": words("no_figure"), "definition": figure.definition}
                    for figure in section.figures
                ],
                "charts": [{"title": chart.title, "file": f"{chart.key}.svg", "alt": chart.alt} for chart in section.charts],
                "tables": [_table(table, report) for table in section.tables],
            }
            for section in report.sections
        ],
    }  # fmt: skip


def _breakable(text: str) -> str:
    # Names of columns are long and have no spaces: a line may break after an underscore.
    return text.replace("_", "_\u200b")


def _table(table: Table, report: Report) -> dict[str, Any]:
    rows = shown_rows(table)
    return {
        "title": table.title,
        "note": table.note,
        "columns": [column.label for column in table.columns],
        "is_number": [column.kind in NUMBERS for column in table.columns],
        "is_wide": [
            column.kind == "text" and max((len(str(row[place])) for row in rows), default=0) > 16
            for place, column in enumerate(table.columns)
        ],
        "rows": [
            [
                _breakable(write_value(value, column.kind, report.language))
                for column, value in zip(table.columns, row, strict=True)
            ]
            for row in rows
        ],
        "has_total": is_total(table, len(rows) - 1),
    }
