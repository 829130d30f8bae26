"""What a workbook stores is read as its standard says, or named: nothing in a cell is lost, joined or made up."""

from __future__ import annotations

import pytest

from tests.support.reading import NAMES
from tests.support.workbooks import in_sheet, read_xlsx

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
