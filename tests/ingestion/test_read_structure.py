"""The bytes of a CSV file are split into rows and cells in the one way of RFC 4180, or the row is named."""

from __future__ import annotations

import io

import pytest

from contract.model import Column, ColumnType, Dataset
from ingestion import csv_parse
from ingestion.read import read_blocks
from tests.support.reading import NAMES, THINGS, file_of, read, row_of

Errors = list[tuple[int | None, str | None, str]]
TWO = Dataset(
    name="two",
    kind="full",
    is_large=False,
    description="Two texts that may be empty.",
    columns=(
        Column("a", ColumnType.TEXT, "", nullable=True, max_length=500),
        Column("b", ColumnType.TEXT, "", nullable=True, max_length=500),
    ),
)
ONE = Dataset("one", "full", False, (Column("a", ColumnType.TEXT, "", nullable=True, max_length=500),), "One text.")

BROKEN: list[tuple[str, bytes, Errors]] = [
    ("nothing", b"", [(None, None, "source-error")]),
    ("blank header", b"\nx,y\n", [(None, None, "blank-header")]),
    ("blank line", b"a,b\nx,y\n\nx,y\n", [(2, None, "blank-row")]),
    ("blank first line", b"a,b\n\nx,y\n", [(1, None, "blank-row")]),
    ("blank last line", b"a,b\nx,y\n\n", [(2, None, "blank-row")]),
    ("blank CRLF line", b"a,b\r\nx,y\r\n\r\nx,y\r\n", [(2, None, "blank-row")]),
    ("two blank lines", b"a,b\n\n\nx,y\n", [(1, None, "blank-row"), (2, None, "blank-row")]),
    ("line of a space", b"a,b\n \n", [(1, "b", "missing-cell")]),
    ("cell missing", b"a,b\nx\nx,y\n", [(1, "b", "missing-cell")]),
    ("cell too many", b"a,b\nx,y\nx,y,z\n", [(2, None, "extra-cell")]),
    ("empty cell too many", b"a,b\nx,y,\n", [(1, None, "extra-cell")]),
    ("both", b"a,b\nx\nx,y,z\n,\nx\n", [(1, "b", "missing-cell"), (4, "b", "missing-cell"), (2, None, "extra-cell")]),
    ("psql end mark", b"a,b\nx,y\n\\.\nx,y\n", [(2, "b", "missing-cell")]),
    ("lone CR", b"a,b\nx,y\rz,u\n", [(1, None, "source-error")]),
    ("CR only", b"a,b\rx,y\r", [(None, None, "source-error")]),
    ("CR at the header's end", b"a,b\r", [(None, None, "source-error")]),
    ("CR at the end", b"a,b\nx,y\r", [(1, None, "source-error")]),
    ("CR CR LF", b"a,b\nx,y\r\r\n", [(1, None, "source-error")]),
    ("LF CR", b"a,b\n\rx,y\n", [(1, None, "source-error")]),
    ("NUL", b"a,b\nx,\0\nx,y\n", [(1, None, "source-error")]),
    ("NUL in quotes", b'a,b\nx,"\0"\n', [(1, None, "source-error")]),
    ("NUL in the header", b"a,b,\0\nx,y,z\n", [(None, None, "source-error")]),
    ("quote inside", b'a,b\nx,y"z\nx,y\n', [(1, None, "source-error")]),
    ("quote at the end", b'a,b\nx,y"\n', [(1, None, "source-error")]),
    ("text after quote", b'a,b\n"x"z,y\n', [(1, None, "source-error")]),
    ("space after quote", b'a,b\n"x" ,y\n', [(1, None, "source-error")]),
    ("space before quote", b'a,b\nx, "y"\n', [(1, None, "source-error")]),
    ("backslash quote", b'a,b\n"x\\"y",z\n', [(1, None, "source-error")]),
    ("quote never closed", b'a,b\nx,y\n"x,y\nx,y\n', [(2, None, "source-error")]),
    ("quote never closed, last line", b'a,b\n"x,y', [(1, None, "source-error")]),
    ("two never closed", b'a,b\n"x,y\nx,y\n"x,y\n', [(1, None, "source-error"), (3, None, "source-error")]),
    ("three quotes", b'a,b\n""",x\nx,y\n', [(1, None, "source-error")]),
    ("bad quotes in the header", b'a,"b\nx,y\n', [(None, None, "source-error")]),
    ("stray quote in the header", b'a,b,c"\nx,y,z\n', [(None, None, "source-error")]),
    ("bad bytes", b"a,b\nx,\xff\nx,y\n\xe1\xba,y\n", [(1, None, "encoding-error"), (3, None, "encoding-error")]),
    ("surrogate", b"a,b\nx,\xed\xa0\x80\n", [(1, None, "encoding-error")]),
    ("overlong NUL", b"a,b\nx,\xc0\x80\n", [(1, None, "encoding-error")]),
    ("bad bytes beside U+FFFD", "a,b\nx,\ufffd\n".encode() + b"\xff,\xef\xbf\xbd\n", [(2, None, "encoding-error")]),
    ("bad bytes in an extra column", b"a,b,c\nx,y,\xff\n", [(1, None, "encoding-error")]),
    ("bad bytes in the header", b"a,b,\xff\nx,y,z\n", [(None, None, "encoding-error")]),
    ("UTF-16", "a,b\nx,y\n".encode("utf-16"), [(None, None, "encoding-error")]),
    ("byte order mark", b"\xef\xbb\xbfa,b\nx,y\n", [(None, None, "encoding-error")]),
    ("another delimiter", b"a;b\nx;y\n",
     [(None, None, "source-error"), (None, "a", "missing-label"), (None, "b", "missing-label")]),
    ("column missing", b"a\nx\n", [(None, "b", "missing-label")]),
    ("column doubled", b"a,b,b\nx,y,z\n", [(None, "b", "duplicate-label")]),
    ("extra column doubled", b"a,b,c,c\nx,y,z,z\n", [(None, "c", "duplicate-label")]),
    ("column without name", b"a,b,\nx,y,z\n", [(None, None, "blank-label")]),
    ("column in capitals", b"A,b\nx,y\n", [(None, "a", "missing-label")]),
    ("space in a label", b"a, b\nx,y\n", [(None, "b", "missing-label")]),
    ("line break in a label", b'a,"b\n"\nx,y\n', [(None, "b", "missing-label")]),
    ("line as long as a block", b"a,b\n" + b"x" * 5000 + b",y\n", [(None, None, "source-error")]),
    ("never-ending quote", b'a,b\n"' + b"x,y\n" * 2000, [(1, None, "source-error")]),
]  # fmt: skip


@pytest.mark.parametrize(("data", "errors"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_broken_structure_is_named_row_by_row(data: bytes, errors: Errors) -> None:
    assert read(data, TWO, block_bytes=4096).errors == errors


@pytest.mark.parametrize(
    ("header", "delimiter", "named"),
    [(b"a;b", ",", "semicolons"), (b"a\tb", ",", "tabs"), (b"a|b", ",", "vertical bars"), (b"a,b", ";", "commas")],
)
def test_a_header_with_another_delimiter_says_which(header: bytes, delimiter: str, named: str) -> None:
    first = read(header + b"\n", TWO, dialect={"delimiter": delimiter}).findings[0]
    assert (first["rule"], named in str(first["message"])) == ("source-error", True)


def test_a_first_row_of_values_is_not_taken_for_a_header_with_another_delimiter() -> None:
    assert "write the header row" in str(read(b"x;y\n", TWO).findings[0]["message"])


WHOLE: list[tuple[str, bytes, list[list[str | None]]]] = [
    ("header only", b"a,b\n", []),
    ("header without line end", b"a,b", []),
    ("quoted header", b'"a","b"\nx,y\n', [["x", "y"]]),
    ("no line end at the end", b"a,b\nx,y", [["x", "y"]]),
    ("CRLF", b"a,b\r\nx,y\r\n", [["x", "y"]]),
    ("LF and CRLF", b"a,b\r\nx,y\nx,z\r\n", [["x", "y"], ["x", "z"]]),
    ("other order", b"b,a\ny,x\n", [["x", "y"]]),
    ("delimiter in quotes", b'a,b\n"x,y","a,b"\n', [["x,y", "a,b"]]),
    ("doubled quotes", b'a,b\n"x""y",""""\n', [['x"y', '"']]),
    ("empty and quoted empty", b'a,b\n,""\n', [[None, None]]),
    ("quoted at the end", b'a,b\nx,"y"', [["x", "y"]]),
    ("quoted CRLF", b'a,b\r\n"x","y"\r\n', [["x", "y"]]),
    ("line of quotes", b'a,b\n"",""\n', [[None, None]]),
    ("text with a byte order mark", b"a,b\n\xef\xbb\xbfx,y\n", [["\ufeffx", "y"]]),
    ("null words", b"a,b\nNULL,NA\nnan,None\n", [["NULL", "NA"], ["nan", "None"]]),
]


@pytest.mark.parametrize(("data", "rows"), [case[1:] for case in WHOLE], ids=[case[0] for case in WHOLE])
def test_well_formed_csv_is_read_in_every_form(data: bytes, rows: list[list[str | None]]) -> None:
    found = read(data, TWO)
    assert (found.findings, found.rows, found.totals.row_count) == ([], rows, len(rows))


def test_blank_line_of_a_single_column_is_no_empty_value() -> None:
    assert read(b'a\nx\n\n""\n', ONE).errors == [(2, None, "blank-row")]
    assert read(b'a\nx\n""\n', ONE).rows == [["x"], [None]]


def test_extra_column_is_ignored_with_a_warning_that_names_it() -> None:
    found = read(b"a,note,b\nx,whatever,y\n", TWO)
    assert (found.errors, found.warnings, found.rows) == ([], [(None, "note", "extra-label")], [["x", "y"]])


def test_label_is_shown_short_and_without_control_characters() -> None:
    found = read(b'a,b,"x\n' + b"y" * 300 + b'"\nx,y,z\n', TWO)
    assert found.warnings == [(None, "x\ufffd" + "y" * 198, "extra-label")]


def test_line_breaks_inside_an_extra_column_do_not_shift_the_rows() -> None:
    found = read(b'a,note,b\nx,"1\n\n2\r3",y\nx,"\n",\x01\n', TWO)
    assert found.rows[0] == ["x", "y"]
    assert (found.errors, found.totals.row_count) == ([(2, "b", "constraint-error")], 2)


def test_row_numbers_stay_right_after_rows_that_were_set_aside() -> None:
    data = b'a,b\n\nx\nx"y,z\nx,\x01\n"x",y\nx,\x01\n'
    found = read(data, TWO)
    numbers = [row for row, _, _ in sorted(found.errors, key=str)]
    assert numbers == [1, 2, 3, 4, 6]
    assert [list(block.row_numbers) for block in found.blocks if block.row_count] == [[4, 5, 6]]
    assert found.totals.row_count == 6


@pytest.mark.parametrize("block_bytes", [1500, 1700, 4096, 1 << 20])
def test_blocks_of_any_size_give_the_same_rows_and_numbers(block_bytes: int) -> None:
    lines = [row_of({"id": f"A{n}", "note": '"a, ""b"""' if n % 3 else "", "paid_vnd": str(n)}) for n in range(200)]
    lines[150] = row_of({"id": "x y"})
    found = read(file_of(*lines), block_bytes=block_bytes)
    assert [row[0] for row in found.rows] == [
        *(f"A{n}" for n in range(150)),
        "x y",
        *(f"A{n}" for n in range(151, 200)),
    ]
    assert found.errors == [(151, "id", "constraint-error")]
    rows = [block.first_row for block in found.blocks if block.row_count]
    assert rows == sorted(set(rows))
    assert sum(block.row_count for block in found.blocks) == 200


def test_byte_order_mark_at_the_start_of_a_later_block_is_kept() -> None:
    rows = [f"\ufeff{n:04},y\n" for n in range(100)]
    found = read(("a,b\n" + "".join(rows)).encode(), TWO, block_bytes=100)
    assert [row[0] for row in found.rows] == [f"\ufeff{n:04}" for n in range(100)]


def test_missing_header_does_not_show_the_first_rows_personal_data() -> None:
    found = read(row_of({"name": "Nguyễn Thị Bí Mật"}).encode())
    assert {rule for _, _, rule in found.errors} == {"source-error", "missing-label"}
    assert [name for _, name, rule in found.errors if rule == "missing-label"] == NAMES
    assert "Bí Mật" not in str(found.findings)


def test_missing_label_tells_of_the_one_that_looks_like_it() -> None:
    header = ",".join("Paid_VND " if name == "paid_vnd" else name for name in NAMES)
    findings = read(file_of(row_of(), header=header)).findings
    (missing,) = [found for found in findings if found["rule"] == "missing-label"]
    assert "'Paid_VND '" in missing["message"]


def test_stray_quote_does_not_hide_the_faults_after_it() -> None:
    lines = [row_of({"id": f"A{n}"}) for n in range(5000)]
    lines[10] = row_of({"id": "A10", "note": 'x"y'})
    lines[4990] = row_of({"id": "A4990", "day": "today"})
    found = read(file_of(*lines), block_bytes=64 << 10)
    assert found.errors == [(11, None, "source-error"), (4991, "day", "type-error")]
    assert found.totals.row_count == 5000


def test_file_of_nothing_but_faults_is_read_in_time_and_each_row_is_named() -> None:
    line = row_of({"note": 'x"y'})
    found = read(file_of(*[line] * 20_000), block_bytes=1 << 20)
    assert [row for row, _, _ in found.errors] == list(range(1, 20_001))


class Dribble(io.BytesIO):
    """Hands out seven bytes at a time, as a remote or packed stream may."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size or 7, 7))


def test_stream_that_hands_out_little_at_a_time_is_read_in_the_same_blocks() -> None:
    data = b"a,b\n" + b"x,y\n" * 500
    blocks = list(read_blocks(Dribble(data), TWO, block_bytes=1000))
    assert [block.row_count for block in blocks] == [
        block.row_count for block in read(data, TWO, block_bytes=1000).blocks
    ]
    assert sum(block.row_count for block in blocks) == 500


def test_file_is_held_where_the_parser_sees_other_rows_than_the_bytes_show(monkeypatch: pytest.MonkeyPatch) -> None:
    parse = csv_parse._parse
    monkeypatch.setattr(csv_parse, "_parse", lambda *arguments: parse(*arguments).slice(1))
    assert read(b"a,b\nx,y\nx,z\n", TWO).errors == [(None, None, "source-error")]


def test_unknown_format_and_encoding_are_named() -> None:
    assert read(file_of(row_of()), format="json").errors == [(None, None, "format-error")]
    assert read(file_of(row_of()), encoding="latin-1").errors == [(None, None, "encoding-error")]


def test_dataset_of_every_type_is_read_whole() -> None:
    found = read(file_of(row_of(), row_of({"id": "A2"})))
    assert found.findings == []
    assert found.blocks[-1].table.column_names == list(THINGS.column_names)
