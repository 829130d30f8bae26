"""An Excel sheet is read cell by cell where it is exact; what Excel may have changed is refused by name."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from openpyxl.styles import numbers

from contract.errors import UnsafeInputError
from ingestion.xlsx_book import Style, find_style
from tests.support.reading import GOOD, NAMES, Reading
from tests.support.workbooks import MAIN, RELATIONS, in_sheet, read_xlsx, rewrite, save, workbook

TYPE, CONSTRAINT = "type-error", "constraint-error"


def read_cell(name: str, value: Any, code: str | None = None) -> tuple[str | None, list[Any]]:
    found = read_xlsx(workbook({name: value}, formats={name: code} if code else None))
    return (found.rows[0][NAMES.index(name)] if found.rows else None), found.errors


def test_text_cells_are_read_as_they_stand() -> None:
    found = read_xlsx(workbook({}, {"code": "0007", "note": ' say "x", y '}, {"code": None, "note": None}))
    assert found.findings == []
    cells = [(row[0], row[1], row[2]) for row in found.rows]
    assert cells == [("A1", "007", "Tổ 1"), ("A2", "0007", ' say "x", y '), ("A3", None, None)]
    assert found.totals.control_totals == {"paid_vnd": 4_500_000, "moved_vnd": -15}


EXACT: list[tuple[str, Any, str | None, str | None]] = [
    # column, value as written by Excel, format of the cell, what is read
    ("paid_vnd", 1_500_000, None, "1500000"), ("paid_vnd", 1_500_000, "#,##0", "1500000"),
    ("paid_vnd", 5.0, "0.00", "5"), ("paid_vnd", 999_999_999_999_999, None, "999999999999999"),
    ("paid_vnd", 1_500_000, '#,##0 "đ"', "1500000"), ("paid_vnd", 1_500_000, '#,##0\\ [$₫-42A]', "1500000"),
    ("moved_vnd", -5, "#,##0;[Red]-#,##0", "-5"), ("moved_vnd", None, None, None), ("moved_vnd", -0.0, None, "0"),
    ("rate_pct", 6.6, "0.00", "6.6"), ("rate_pct", 10.296, None, "10.296"), ("rate_pct", 9, None, "9"),
    ("target", -0.5, None, "-0.5"), ("target", 0.0001, None, "0.0001"),
    ("members", 12, None, "12"), ("is_good", 1, None, "1"), ("is_good", True, None, "1"), ("is_good", False, None, "0"),
    ("day", dt.date(2024, 2, 29), None, "2024-02-29"), ("day", dt.datetime(2024, 2, 29), None, "2024-02-29"),
    ("day", dt.date(2024, 2, 29), "dd/mm/yyyy", "2024-02-29"), ("day", 45351, "[$-42A]d mmmm yyyy", "2024-02-29"),
    ("day", dt.date(1900, 2, 28), None, "1900-02-28"), ("day", dt.date(1900, 3, 1), None, "1900-03-01"),
    ("day", dt.date(9999, 12, 31), None, "9999-12-31"), ("day", "2024-02-29", None, "2024-02-29"),
    ("note", "a_x0041_b", None, "aAb"), ("note", "tổ 1", "@", "tổ 1"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "code", "text"), EXACT, ids=[f"{n}-{v!r}-{c}" for n, v, c, _ in EXACT])
def test_cell_is_read_exactly(name: str, value: Any, code: str | None, text: str | None) -> None:
    assert read_cell(name, value, code) == (text, [])


WRONG: list[tuple[str, Any, str | None, str]] = [
    ("id", 7, None, TYPE), ("code", 7, None, TYPE), ("code", 7.0, "000", TYPE), ("code", True, None, TYPE),
    ("code", dt.date(2024, 2, 29), None, TYPE), ("name", 901234567, None, TYPE), ("word", 1, None, TYPE),
    ("note", 7, None, TYPE), ("note", "=1+1", None, TYPE), ("note", "#N/A", None, TYPE), ("note", "a_x0009_b", None, CONSTRAINT),
    ("paid_vnd", 5.5, None, TYPE), ("paid_vnd", 1e15, None, TYPE), ("paid_vnd", 2**60, None, TYPE), ("paid_vnd", -5, None, TYPE),
    ("paid_vnd", 0.05, "0%", TYPE), ("paid_vnd", dt.date(2024, 2, 29), None, TYPE), ("paid_vnd", "1.500.000", None, TYPE),
    ("paid_vnd", "=SUM(A1:A2)", None, TYPE), ("paid_vnd", "#REF!", None, TYPE), ("paid_vnd", True, None, TYPE),
    ("paid_vnd", None, None, CONSTRAINT), ("paid_vnd", "", None, CONSTRAINT), ("paid_vnd", dt.time(12, 0), None, TYPE),
    ("rate_pct", 0.066, "0.00%", TYPE), ("rate_pct", 6.66666, None, TYPE),
    ("rate_pct", -1, None, TYPE), ("members", 1.5, None, TYPE), ("is_good", 2, None, TYPE), ("is_good", "TRUE", None, TYPE),
    ("day", dt.datetime(2024, 2, 29, 1), None, TYPE), ("day", 45351, None, TYPE), ("day", 45351, "0", TYPE),
    ("day", 45351.5, "dd/mm/yyyy", TYPE), ("day", -1, "dd/mm/yyyy", TYPE), ("day", 0, "dd/mm/yyyy", TYPE),
    ("day", 60, "dd/mm/yyyy", TYPE), ("day", 2_958_466, "dd/mm/yyyy", TYPE), ("day", "29/02/2024", None, TYPE),
    ("day", 45351, "[h]:mm", TYPE), ("day", dt.time(0, 0), None, TYPE), ("day", 45351, "h:mm", TYPE),
    ("month", dt.date(2024, 2, 1), "mmm-yy", TYPE), ("at", dt.datetime(2024, 2, 29, 1), None, TYPE),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "code", "rule"), WRONG, ids=[f"{n}-{v!r}-{c}" for n, v, c, _ in WRONG])
def test_cell_that_is_not_exact_is_named_once(name: str, value: Any, code: str | None, rule: str) -> None:
    assert read_cell(name, value, code)[1] == [(1, name, rule)]


def test_personal_value_is_masked() -> None:
    (found,) = read_xlsx(workbook({"name": 901234567})).findings
    assert found["value"] == "***"


def test_dates_of_the_1904_calendar_are_read_by_it() -> None:
    book = openpyxl.Workbook()
    book.epoch = dt.datetime(1904, 1, 1)
    book.worksheets[0].append(NAMES)
    book.worksheets[0].append([{**GOOD, "day": dt.date(2024, 2, 29)}[name] for name in NAMES])
    assert read_xlsx(save(book)).rows[0][NAMES.index("day")] == "2024-02-29"


def test_blank_rows_are_named_and_those_after_the_last_are_none() -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook({}, {})))
    sheet = book.worksheets[0]
    sheet.insert_rows(3, 2)
    sheet.cell(9, 1).number_format = "@"
    found = read_xlsx(save(book))
    assert found.errors == [(2, None, "blank-row"), (3, None, "blank-row")]
    assert (found.totals.row_count, list(found.blocks[-1].row_numbers)) == (4, [1, 4])


def test_rows_are_numbered_through_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestion.read_xlsx.BATCH_ROWS", 3)
    found = read_xlsx(workbook({}, {}, {}, {}, {"day": "today"}, {}, {}))
    assert (found.errors, found.totals.row_count, len(found.rows)) == ([(5, "day", TYPE)], 7, 7)
    assert [block.first_row for block in found.blocks] == [1, 1, 4, 7]


def change_header(change: Callable[[Any], Any]) -> Reading:
    book = openpyxl.load_workbook(io.BytesIO(workbook({})))
    change(book.worksheets[0])
    return read_xlsx(save(book))


HEADERS: list[tuple[str, Callable[[Any], Any], list[tuple[int | None, str | None, str]]]] = [
    ("blank", lambda sheet: sheet.insert_rows(1), [(None, None, "blank-header")]),
    ("missing", lambda sheet: sheet.delete_cols(NAMES.index("day") + 1), [(None, "day", "missing-label")]),
    ("doubled", lambda sheet: sheet.cell(1, 16, "day"), [(None, "day", "duplicate-label")]),
    ("without a name", lambda sheet: sheet.cell(1, 17, "more"), [(None, None, "blank-label")]),
    ("cell too far", lambda sheet: sheet.cell(2, 16, "more"), [(1, None, "extra-cell")]),
    ("merged", lambda sheet: sheet.merge_cells("A2:B2"), [(None, None, "source-error")]),
]


@pytest.mark.parametrize(("change", "errors"), [case[1:] for case in HEADERS], ids=[case[0] for case in HEADERS])
def test_shape_of_the_sheet_is_checked(change: Callable[[Any], Any], errors: list[Any]) -> None:
    assert change_header(change).errors == errors


def test_columns_may_stand_in_any_order_and_an_extra_one_is_named() -> None:
    found = read_xlsx(workbook({}, {}, header=["extra", *reversed(NAMES)]))
    assert (found.errors, found.warnings) == ([], [(None, "extra", "extra-label")])
    assert found.rows[1] == [{**GOOD, "id": "A2"}[name] for name in NAMES]


def two_sheets(second: list[Any]) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(workbook({})))
    sheet = book.create_sheet("Ghi chú")
    for row in second:
        sheet.append(row)
    return save(book)


def test_sheet_is_chosen_only_where_there_is_no_doubt() -> None:
    values = [GOOD[name] for name in NAMES]
    assert len(read_xlsx(two_sheets([])).rows) == 1
    assert read_xlsx(two_sheets([["x"]])).errors == [(None, None, "source-error")]
    data = two_sheets([NAMES, values, [*values]])
    assert len(read_xlsx(data, dialect={"sheetName": "Ghi chú"}).rows) == 2
    assert len(read_xlsx(data, dialect={"sheetNumber": 1}).rows) == 1
    for dialect in ({"sheetName": "x"}, {"sheetNumber": 3}, {"sheetNumber": "1"}, {"sheetName": 1}, {"delimiter": ";"}):
        assert read_xlsx(data, dialect=dialect).errors == [(None, None, "dialect-error")]


DAMAGED: dict[str, bytes] = {
    "nothing": b"",
    "text": b"id,code\n",
    "old Excel": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "cut short": workbook({})[:-400],
    "no workbook": rewrite(lambda name, content: None if name == "xl/workbook.xml" else content),
    "no sheet": rewrite(lambda name, content: None if name.endswith("sheet1.xml") else content),
    "no relations": rewrite(lambda name, content: None if name == "_rels/.rels" else content),
    "broken XML": in_sheet("</sheetData>", "</sheetDat>"),
    "document type": in_sheet("<worksheet", '<!DOCTYPE x [<!ENTITY a "b">]><worksheet'),
    "row twice": in_sheet('<row r="2"', '<row r="1"'),
    "row of no number": in_sheet('<row r="2"', '<row r="x"'),
    "row too far": in_sheet('<row r="2"', '<row r="1048577"'),
    "cell in another row": in_sheet('r="B2"', 'r="B3"'),
    "cell twice": in_sheet('r="B2"', 'r="A2"'),
    "cell of no column": in_sheet('r="B2"', 'r="2"'),
    "unknown type": in_sheet('r="B2" t="inlineStr"', 'r="B2" t="z"'),
    "no shared string": in_sheet('r="B2" t="inlineStr"><is><t>007</t></is>', 'r="B2" t="s"><v>0</v>'),
    "no such style": in_sheet('r="B2" t', 'r="B2" s="99" t'),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=list(DAMAGED))
def test_workbook_that_is_not_whole_is_named(data: bytes) -> None:
    assert (None, None, "source-error") in read_xlsx(data).errors


def bare_sheet(*numbers: int | None) -> bytes:
    """Return a workbook whose cells have no reference of their own; rows carry these numbers, None for none."""
    rows = [NAMES, *([GOOD[name] for name in NAMES] for _ in numbers[1:])]
    xml = f"<worksheet {MAIN}><sheetData>"
    for number, values in zip(numbers, rows, strict=True):
        cells = "".join(f'<c t="inlineStr"><is><t>{value}</t></is></c>' for value in values)
        place = "" if number is None else f' r="{number}"'
        xml += f"<row{place}>{cells}</row>"
    xml += "</sheetData></worksheet>"
    return rewrite(lambda name, content: xml.encode() if name.endswith("sheet1.xml") else content)


def test_cells_without_a_reference_stand_side_by_side() -> None:
    found = read_xlsx(bare_sheet(None, None, None))
    assert (found.findings, found.rows) == ([], [[GOOD[name] for name in NAMES]] * 2)


@pytest.mark.parametrize("numbers", [(1, 3, 2), (1, 1), (1, 1_048_577), (0, 1)])
def test_rows_out_of_order_are_not_sorted_out(numbers: tuple[int, ...]) -> None:
    assert (None, None, "source-error") in read_xlsx(bare_sheet(*numbers)).errors


def test_part_that_is_there_twice_is_named() -> None:
    out = io.BytesIO(workbook({}))
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(out, "a") as book:
        book.writestr("xl/worksheets/sheet1.xml", "<x/>")
    assert read_xlsx(out.getvalue()).errors == [(None, None, "source-error")]


def test_shared_strings_are_read_without_phonetic_hints() -> None:
    def change(name: str, content: bytes) -> bytes:
        if name == "xl/_rels/workbook.xml.rels":
            relation = f'<Relationship Id="r9" Type="{RELATIONS}/sharedStrings" Target="strings.xml"/></Relationships>'
            return content.replace(b"</Relationships>", relation.encode())
        return content.replace(b't="inlineStr"><is><t>007</t></is>', b't="s"><v>1</v>')

    strings = f"<sst {MAIN}><si><t>x</t></si><si><r><t>0</t></r><r><t>08</t></r><rPh><t>no</t></rPh></si></sst>"
    out = io.BytesIO(rewrite(change))
    with zipfile.ZipFile(out, "a") as book:
        book.writestr("xl/strings.xml", strings)
    assert read_xlsx(out.getvalue()).rows[0][NAMES.index("code")] == "008"


def test_formula_is_not_taken_for_its_stored_result() -> None:
    data = in_sheet('t="inlineStr"><is><t>1500000</t></is>', "><f>1+1</f><v>1500000</v>")
    assert read_xlsx(data).errors == [(1, "paid_vnd", TYPE)]


def test_number_with_the_noise_of_a_calculation_is_not_rounded() -> None:
    data = in_sheet('t="inlineStr"><is><t>6.6</t></is>', "><v>6.6000000000000005</v>")
    assert read_xlsx(data).errors == [(1, "rate_pct", TYPE)]


def test_iso_date_cell_is_read_if_it_is_a_whole_day() -> None:
    day = 't="inlineStr"><is><t>2024-02-29</t></is>'
    assert read_xlsx(in_sheet(day, 't="d"><v>2024-03-01T00:00:00</v>')).rows[0][NAMES.index("day")] == "2024-03-01"
    assert read_xlsx(in_sheet(day, 't="d"><v>2024-03-01T01:00:00</v>')).errors == [(1, "day", TYPE)]


def test_workbook_bomb_is_refused_before_it_is_unpacked() -> None:
    sheet = f"<worksheet {MAIN}><sheetData>" + " " * (64 << 20) + "</sheetData></worksheet>"
    bomb = rewrite(lambda name, content: sheet.encode() if name.endswith("sheet1.xml") else content)
    assert len(bomb) < 1 << 20
    with pytest.raises(UnsafeInputError):
        read_xlsx(bomb)


def test_workbook_of_very_many_parts_is_refused() -> None:
    out = io.BytesIO(workbook({}))
    with zipfile.ZipFile(out, "a") as book:
        for number in range(1001):
            book.writestr(f"x{number}", "")
    with pytest.raises(UnsafeInputError):
        read_xlsx(out.getvalue())


@pytest.mark.parametrize(
    ("code", "style"),
    [
        ("General", Style.NUMBER), ("0", Style.NUMBER), ("#,##0.00", Style.NUMBER), ("@", Style.NUMBER),
        ('0 "days"', Style.NUMBER), ("0\\d", Style.NUMBER), ("[Red]0", Style.NUMBER), ("0.00E+00", Style.NUMBER),
        ("yyyy-mm-dd", Style.DATE), ("d.m.yy", Style.DATE), ("mmm-yy", Style.DATE), ("m/d/yy h:mm", Style.DATE),
        ("[$-42A]dddd, d mmmm yyyy", Style.DATE), ("h:mm", Style.TIME), ("mm:ss.0", Style.TIME), ("[mm]:ss", Style.TIME),
        ("0.0%", Style.PERCENT), ('0"%"', Style.NUMBER), (numbers.FORMAT_DATE_XLSX14, Style.DATE),
    ],
)  # fmt: skip
def test_meaning_of_a_number_format(code: str, style: Style) -> None:
    assert find_style("164", code) is style
