"""The report as a workbook: real numbers and dates, every row of every table, and no text that could be a formula."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from reporting.board_report.model import Figure, Kind, Measure, Report, Table, Value
from reporting.board_report.numbers import NOTHING, SUPPRESSED
from reporting.board_report.suppression import Hidden

MADE_AT = dt.datetime(2000, 1, 1)
"""Stands in the file as the time of making: the same report is the same bytes whenever it is written."""

FORMATS: dict[Kind, str] = {"vnd": "#,##0", "count": "#,##0", "pct": "0.000000", "date": "dd/mm/yyyy", "times": "0.0"}


def write_workbook(report: Report) -> bytes:
    """Return the XLSX file: a sheet for the headline figures and one for each table."""
    written = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
    book = Workbook(written, options)
    book.set_properties({"title": f"{report.subtitle} — {report.title}", "author": report.bank, "created": MADE_AT})
    sheets = _Sheets(book)
    sheets.write_facts(report)
    for section in report.sections:
        for table in section.tables:
            sheets.write_table(table, report)
    book.close()
    return written.getvalue()


class _Sheets:
    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self.book = book
        self.head = book.add_format(
            {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top", "bg_color": "#E8EDF3"}
        )
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.muted = book.add_format({"font_color": "#5B6775"})
        self.formats: dict[tuple[Kind, bool], Format] = {}

    def write_facts(self, report: Report) -> None:
        """The first sheet: what the report is of, and every headline figure in đồng, percent or pieces."""
        sheet = self._add("00 " + report.subtitle)
        sheet.write_string(0, 0, f"{report.subtitle} — {report.title}", self.title)
        line = 1
        for label, text in [*report.facts, ("•", report.suppressed_note)]:
            sheet.write_string(line, 0, label)
            sheet.write_string(line, 1, text)
            line += 1
        sheet.set_column(0, 0, 48)
        sheet.set_column(1, 1, 24)
        sheet.set_column(2, 2, 60)
        for figure in report.figures.values():
            self._write_figure(sheet, line + 1, figure)
            line += 1
        sheet.freeze_panes(1, 1)

    def _write_figure(self, sheet: Worksheet, line: int, figure: Figure) -> None:
        sheet.write_string(line, 0, figure.label)
        self._write(sheet, line, 1, figure.value, figure.kind)
        sheet.write_string(line, 2, figure.definition)
        sheet.write_datetime(line, 3, dt.datetime.combine(figure.as_of, dt.time()), self._format("date"))
        sheet.write_string(line, 4, figure.source)

    def write_table(self, table: Table, report: Report) -> None:
        """One sheet: title and note above, a frozen header, then all rows."""
        sheet = self._add(f"{len(self.book.worksheets()):02} {table.key}")
        sheet.write_string(0, 0, table.title, self.title)
        sheet.write_string(1, 0, f"{table.note} {report.suppressed_note}", self.muted)
        for place, column in enumerate(table.columns):
            sheet.write_string(3, place, column.label, self.head)
            widths = {"text": 34, "vnd": 22, "number": 24}
            sheet.set_column(place, place, widths.get(column.kind, 14))
        for line, row in enumerate(table.rows, start=4):
            is_total = table.has_total and line == len(table.rows) + 3
            for place, (column, value) in enumerate(zip(table.columns, row, strict=True)):
                self._write(sheet, line, place, value, column.kind, is_bold=is_total)
        sheet.freeze_panes(4, 1)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(3)

    def _add(self, name: str) -> Worksheet:
        return self.book.add_worksheet(name[:31])

    def _write(
        self, sheet: Worksheet, line: int, place: int, value: Value, kind: Kind, *, is_bold: bool = False
    ) -> None:
        match value:
            case Measure():
                self._write(sheet, line, place, value.value, value.kind, is_bold=is_bold)
            case Hidden():
                sheet.write_string(line, place, SUPPRESSED, self._format("text", is_bold))
            case None:
                sheet.write_string(line, place, NOTHING, self._format("text", is_bold))
            case dt.date():
                sheet.write_datetime(line, place, dt.datetime.combine(value, dt.time()), self._format("date", is_bold))
            case int() | Decimal():
                sheet.write_number(line, place, value, self._format(kind, is_bold))
            case _:
                sheet.write_string(line, place, value, self._format("text", is_bold))

    def _format(self, kind: Kind, is_bold: bool = False) -> Format:
        if (kind, is_bold) not in self.formats:
            properties: dict[str, object] = (
                {"num_format": FORMATS[kind]} if kind in FORMATS else {"text_wrap": kind == "text"}
            )
            self.formats[(kind, is_bold)] = self.book.add_format({**properties, "bold": is_bold, "valign": "top"})
        return self.formats[(kind, is_bold)]
