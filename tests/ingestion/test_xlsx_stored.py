"""What a workbook stores is read as its standard says, or named: nothing in a cell is lost, joined or made up."""

from __future__ import annotations

import io

import openpyxl
import pytest

from tests.support.reading import GOOD, NAMES
from tests.support.workbooks import in_sheet, read_xlsx, rewrite, save, workbook

TYPE = "type-error"
NOTE = "<t>Tổ 1</t>"


@pytest.mark.parametrize(
    ("stored", "read"),
    [("_xD83D__xDE00_", "😀"), ("a_xd83d__xde00_b", "a😀b"), ("_x005F_xD83D_", "_xD83D_"), ("😀", "😀")],
)
def test_character_written_as_two_escapes_is_one_character(stored: str, read: str) -> None:
    found = read_xlsx(in_sheet(NOTE, f"<t>{stored}</t>"))
    assert (found.findings, found.rows[0][NAMES.index("note")]) == ([], read)


@pytest.mark.parametrize("half", ["_xD800_", "_xDFFF_", "_xDE00__xD83D_", "_xD83D_x_xDE00_", "😀_xD83D_"])
def test_half_a_character_is_a_finding_of_its_cell(half: str) -> None:
    (found,) = read_xlsx(in_sheet(NOTE, f"<t>Tổ {half}</t>")).findings
    assert (found["row"], found["column"], found["rule"]) == (1, "note", TYPE)


def test_half_a_character_that_is_stored_as_a_plain_string_is_found_too() -> None:
    stored = in_sheet(f't="inlineStr"><is>{NOTE}</is>', 't="str"><v>_xD83D_</v>')
    assert read_xlsx(stored).errors == [(1, "note", TYPE)]


@pytest.mark.parametrize("label", ["note_xD83D_", "_xDE00_", "more_xD800_"])
def test_half_a_character_in_the_header_is_a_finding_of_the_header(label: str) -> None:
    assert read_xlsx(in_sheet("<t>note</t>", f"<t>{label}</t>")).errors == [(None, None, "encoding-error")]


PAID = 't="inlineStr"><is><t>1500000</t></is>'
TEXT = f't="inlineStr"><is>{NOTE}</is>'
MISPLACED: list[tuple[str, str, str]] = [
    # what is wrong, the cell as it is, the cell as it is stored
    ("an inline string with a value", TEXT, 't="inlineStr"><v>foo</v>'),
    ("an inline string with a value beside it", TEXT, f't="inlineStr"><is>{NOTE}</is><v>foo</v>'),
    ("an inline string twice", TEXT, f't="inlineStr"><is>{NOTE}</is><is>{NOTE}</is>'),
    ("an inline string without its frame", TEXT, 't="inlineStr"><t>foo</t>'),
    ("a value inside an inline string", TEXT, f't="inlineStr"><is>{NOTE}<v>foo</v></is>'),
    ("an inline string without its type", TEXT, "><is><t>foo</t></is>"),
    ("a text without its type", TEXT, "><t>foo</t>"),
    ("an amount as an inline string without its type", PAID, "><is><t>5</t></is>"),
    ("an amount with an inline string beside it", PAID, "><v>5</v><is><t>6</t></is>"),
    ("an amount twice", PAID, "><v>5</v><v>6</v>"),
    ("an amount and an empty one", PAID, "><v>5</v><v/>"),
    ("a plain string twice", TEXT, 't="str"><v>a</v><v>b</v>'),
    ("a shared string that is an inline one", TEXT, f't="s"><is>{NOTE}</is>'),
    ("a truth value that is an inline string", PAID, 't="b"><is><t>1</t></is>'),
    ("a result twice", PAID, "><f>5</f><v>5</v><v>6</v>"),
]


@pytest.mark.parametrize(("old", "new"), [case[1:] for case in MISPLACED], ids=[case[0] for case in MISPLACED])
def test_value_that_stands_twice_or_does_not_go_with_the_type_is_damage(old: str, new: str) -> None:
    assert read_xlsx(in_sheet(old, new)).errors == [(None, None, "source-error")]


@pytest.mark.parametrize("empty", ["/>", "></c>", "><v/></c>", 't="str"><v></v></c>', 't="inlineStr"></c>'])
def test_cell_without_a_value_is_empty(empty: str) -> None:
    found = read_xlsx(in_sheet(f"{TEXT}</c>", empty))
    assert (found.findings, found.rows[0][NAMES.index("note")]) == ([], None)


def two_full_sheets(second: str) -> bytes:
    """Return a workbook of a sheet of one row, called "Sheet", and one of two rows, called `second`."""
    book = openpyxl.load_workbook(io.BytesIO(workbook({})))
    sheet = book.create_sheet("second")
    for row in [NAMES, *([{**GOOD, "id": f"B{n}"}[name] for name in NAMES] for n in (1, 2))]:
        sheet.append(row)

    def rename(part: str, content: bytes) -> bytes:
        return content.replace(b'"second"', f'"{second}"'.encode()) if part == "xl/workbook.xml" else content

    return rewrite(rename, save(book))


@pytest.mark.parametrize(
    "dialect", [{"sheetName": None}, {"sheetNumber": None}, {"sheetName": None, "sheetNumber": None}], ids=str
)
def test_property_of_null_says_no_more_than_one_left_out(dialect: dict[str, None]) -> None:
    assert read_xlsx(two_full_sheets("two"), dialect=dialect).errors == [(None, None, "source-error")]
    assert len(read_xlsx(workbook({}), dialect=dialect).rows) == 1


def test_number_beside_a_name_of_null_says_which_sheet_is_meant() -> None:
    assert len(read_xlsx(two_full_sheets("two"), dialect={"sheetName": None, "sheetNumber": 2}).rows) == 2


def test_name_that_two_sheets_have_is_no_choice_without_a_number() -> None:
    data = two_full_sheets("Sheet")
    assert read_xlsx(data, dialect={"sheetName": "Sheet"}).errors == [(None, None, "dialect-error")]
    assert len(read_xlsx(data, dialect={"sheetName": "Sheet", "sheetNumber": 2}).rows) == 2


RATE = 't="inlineStr"><is><t>6.6</t></is>'
STORED: list[tuple[str, str, str, str]] = [
    # column, the cell as it is, the number as Excel stores it in 17 digits, what was typed
    ("rate_pct", RATE, "6.5999999999999996", "6.6"), ("rate_pct", RATE, "8.5800000000000001", "8.58"),
    ("rate_pct", RATE, "0.10000000000000001", "0.1"), ("rate_pct", RATE, "10.295999999999999", "10.296"),
    ("rate_pct", RATE, "1E-4", "0.0001"), ("rate_pct", RATE, "1.1999999999999999E-3", "0.0012"),
    ("paid_vnd", PAID, "1.5E6", "1500000"), ("paid_vnd", PAID, "999999999999999", "999999999999999"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "number", "typed"), STORED, ids=[case[2] for case in STORED])
def test_number_that_excel_stores_in_seventeen_digits_is_what_was_typed(
    name: str, old: str, number: str, typed: str
) -> None:
    found = read_xlsx(in_sheet(old, f"><v>{number}</v>"))
    assert (found.findings, found.rows[0][NAMES.index(name)]) == ([], typed)


NOISE: list[tuple[str, str, str]] = [
    # the doubles beside 6.6 and 8.58, more digits than a double has, and amounts that are no whole đồng
    ("rate_pct", RATE, "6.6000000000000005"), ("rate_pct", RATE, "6.5999999999999988"),
    ("rate_pct", RATE, "8.5800000000000018"), ("rate_pct", RATE, "0.30000000000000004"),
    ("rate_pct", RATE, "6.60000000000000000001"), ("rate_pct", RATE, "6.599999999999999644"),
    ("paid_vnd", PAID, "1500000.0000000002"), ("paid_vnd", PAID, "1500000.0000000001"),
    ("paid_vnd", PAID, "0.99999999999999989"), ("paid_vnd", PAID, "9007199254740993"),
    ("paid_vnd", PAID, "1000000000000000"), ("paid_vnd", PAID, "12345678901234567.0"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "number"), NOISE, ids=[case[2] for case in NOISE])
def test_number_that_is_another_double_or_none_is_not_rounded(name: str, old: str, number: str) -> None:
    assert read_xlsx(in_sheet(old, f"><v>{number}</v>")).errors == [(1, name, TYPE)]
