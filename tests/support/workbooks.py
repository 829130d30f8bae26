"""Workbooks as Excel and openpyxl write them, of the rows of `tests.support.reading`, and parts of them put otherwise."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl

from tests.support.reading import GOOD, NAMES, Reading, read

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def workbook(*rows: dict[str, Any], formats: dict[str, str] | None = None, header: list[str] | None = None) -> bytes:
    """Return a workbook of good text rows with the cells of `rows` in place of their own."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    names = header or NAMES
    sheet.append(names)
    for number, cells in enumerate(rows, 1):
        values = {**GOOD, "id": f"A{number}", **cells}
        sheet.append([values.get(name) for name in names])
        for name, code in (formats or {}).items():
            sheet.cell(number + 1, names.index(name) + 1).number_format = code
    return save(book)


def save(book: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read_xlsx(data: bytes, **options: Any) -> Reading:
    return read(data, format="xlsx", **options)


def rewrite(change: Callable[[str, bytes], bytes | None], data: bytes | None = None) -> bytes:
    """Return the workbook with each part as `change` returns it, or without it."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data or workbook({}))) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return out.getvalue()


def in_sheet(old: str, new: str, data: bytes | None = None) -> bytes:
    """Return the workbook with `new` wherever `old` stands in the XML of its first sheet."""

    def change(name: str, content: bytes) -> bytes:
        if name.endswith("sheet1.xml"):
            assert old.encode() in content
            return content.replace(old.encode(), new.encode())
        return content

    return rewrite(change, data)
