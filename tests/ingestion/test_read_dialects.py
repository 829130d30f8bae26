"""A declared dialect is read exactly as its standard says, or refused by name; no property is ignored."""

from __future__ import annotations

import csv
import io
import random
from typing import Any

import pytest

from contract.errors import DialectError
from contract.model import Column, ColumnType, Dataset
from ingestion.dialect import CsvDialect, describe_reading, parse_dialect
from tests.support.reading import read

NOTES = Dataset(
    name="notes",
    kind="full",
    is_large=False,
    description="Three texts that may be empty.",
    columns=tuple(Column(name, ColumnType.TEXT, "", nullable=True, max_length=500) for name in "abc"),
)

WRITERS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    # as the descriptor declares it, as Python's csv module writes it
    ({"delimiter": ";"}, {"delimiter": ";"}),
    ({"delimiter": "\t"}, {"delimiter": "\t"}),
    ({"delimiter": "|", "lineTerminator": "\n"}, {"delimiter": "|", "lineterminator": "\n"}),
    ({"quoteChar": "'"}, {"quotechar": "'"}),
    ({"quoteChar": "'", "delimiter": " "}, {"quotechar": "'", "delimiter": " "}),
    ({"doubleQuote": True, "lineTerminator": "\r\n"}, {"quoting": csv.QUOTE_ALL}),
    ({"doubleQuote": False, "escapeChar": "\\"}, {"doublequote": False, "escapechar": "\\"}),
    ({"escapeChar": "\\"}, {"escapechar": "\\", "quoting": csv.QUOTE_ALL}),
    ({"escapeChar": "^", "doubleQuote": False, "delimiter": ";"},
     {"escapechar": "^", "doublequote": False, "quoting": csv.QUOTE_ALL, "delimiter": ";"}),
    ({"csv": {"delimiter": ";", "quoteChar": "'"}}, {"delimiter": ";", "quotechar": "'"}),
    ({"csvddfVersion": 1.2, "caseSensitiveHeader": True, "header": True, "nullSequence": None}, {}),
]  # fmt: skip
ALPHABET = ["a", "\\", '"', "'", ",", ";", "|", "^", " ", "ế", "#", "é"]


def write(rows: list[list[str]], **options: Any) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, **options).writerows(rows)
    return out.getvalue().encode()


@pytest.mark.parametrize(("declared", "options"), WRITERS, ids=[str(declared) for declared, _ in WRITERS])
@pytest.mark.parametrize("block_bytes", [96, 1 << 20])
def test_dialect_reads_back_what_was_written_in_it(
    declared: dict[str, Any], options: dict[str, Any], block_bytes: int
) -> None:
    chance = random.Random(7)
    rows = [["".join(chance.choices(ALPHABET, k=chance.randint(0, 4))) for _ in "abc"] for _ in range(300)]
    found = read(write([list("abc"), *rows], **options), NOTES, dialect=declared, block_bytes=block_bytes)
    assert found.findings == []
    assert [[cell or "" for cell in row] for row in found.rows] == rows


DIALECTS: list[tuple[str, dict[str, Any], str, Any]] = [
    # name, dialect, file, rows or errors
    ("no header", {"header": False}, "x,y,z\n", [["x", "y", "z"]]),
    ("no header, too few", {"header": False}, "x,y\n", [(1, "c", "missing-cell")]),
    ("no header, nothing", {"header": False}, "", []),
    ("null sequence", {"nullSequence": "-"}, "a,b,c\n-,--,\n", [[None, "--", None]]),
    ("null sequence in quotes", {"nullSequence": "NULL"}, 'a,b,c\nx,"NULL",\n', [(1, None, "source-error")]),
    ("null sequence in longer quotes", {"nullSequence": "NULL"}, 'a,b,c\nx,"a""NULL""b",\n', [["x", 'a"NULL"b', None]]),
    ("comments", {"commentChar": "#"}, '#c "\na,b,c\n#x\nx,#y,z\n# "\n', [["x", "#y", "z"]]),
    ("quoted comment sign", {"commentChar": "#"}, 'a,b,c\n"#x",y,z\n', [["#x", "y", "z"]]),
    ("rows after comments", {"commentChar": "#"}, "a,b,c\n#\nx,y\n#\nx,y,z\nx\n",
     [(1, "c", "missing-cell"), (3, "b", "missing-cell")]),
    ("line break with comments", {"commentChar": "#"}, 'a,b,c\nx,"\n#y",z\n',
     [(1, None, "source-error")]),
    ("initial space", {"skipInitialSpace": True}, 'a, b,c\nx,  y, "p, q"\n', [["x", "y", "p, q"]]),
    ("initial space before quoted names", {"skipInitialSpace": True}, '"a", "b",  "c"\n"x", "y",  "z"\n', [["x", "y", "z"]]),
    ("space at the header's start", {"skipInitialSpace": True}, " a,b,c\nx,y,z\n", [(None, None, "source-error")]),
    ("space before a quoted header", {"skipInitialSpace": True}, ' "a",b,c\nx,y,z\n', [(None, None, "source-error")]),
    ("space after a quoted name", {"skipInitialSpace": True}, '"a" ,b,c\nx,y,z\n', [(None, None, "source-error")]),
    ("space in a quoted name", {"skipInitialSpace": True}, '"a"," b",c\nx,y,z\n', [(None, "b", "missing-label")]),
    ("space before quoted names, not skipped", {}, '"a", "b",c\nx,y,z\n', [(None, None, "source-error")]),
    ("no initial space", {}, "a,b,c\nx, y,z\n", [["x", " y", "z"]]),
    ("space at the line's start", {"skipInitialSpace": True}, "a,b,c\n x,y,z\n", [(1, None, "source-error")]),
    ("space inside quotes", {"skipInitialSpace": True}, 'a,b,c\n"x, y",", z",z\n', [["x, y", ", z", "z"]]),
    ("escape before a letter", {"escapeChar": "\\"}, "a,b,c\nx\\n,y,z\n", [(1, None, "source-error")]),
    ("escape before a line end", {"escapeChar": "\\"}, "a,b,c\nx,y,z\\\nx,y,z\n", [(1, None, "source-error")]),
    ("escape in the header", {"escapeChar": "\\"}, "a,b,c,\\d\nx,y,z,\n", [(None, None, "source-error")]),
    ("escape at the end", {"escapeChar": "\\"}, "a,b,c\nx,y,z\\", [(1, None, "source-error")]),
    ("escaped delimiter", {"escapeChar": "\\"}, 'a,b,c\nx\\,y,\\",\\\\\n', [["x,y", '"', "\\"]]),
    ("escaped escapes", {"escapeChar": "\\"}, 'a,b,c\n\\\\\\,,"\\\\",\\\\\\\\\n', [["\\,", "\\", "\\\\"]]),
    ("quote after escaped delimiter", {"escapeChar": "\\"}, 'a,b,c\nx\\,"y",y,z\n', [(1, None, "source-error")]),
    ("doubled quote where not allowed", {"doubleQuote": False}, 'a,b,c\n"x""y",y,z\n', [(1, None, "source-error")]),
    ("empty quotes", {"doubleQuote": False}, 'a,b,c\n"",y,z\n', [[None, "y", "z"]]),
    ("default quote under another", {"quoteChar": "'"}, 'a,b,c\n"x",y,z\n', [['"x"', "y", "z"]]),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "text", "expected"), [d[1:] for d in DIALECTS], ids=[d[0] for d in DIALECTS])
def test_dialect_is_followed_to_the_letter(dialect: dict[str, Any], text: str, expected: list[Any]) -> None:
    found = read(text.encode(), NOTES, dialect=dialect)
    if expected and isinstance(expected[0], tuple):
        assert sorted(found.errors) == expected
    else:
        assert (found.findings, found.rows) == ([], expected)


@pytest.mark.parametrize(
    ("dialect", "header"),
    [({}, 'a, b, "c", "d, e"'), ({"escapeChar": "\\"}, "a, b, c, d\\, e")],
    ids=["quoted", "escaped"],
)
def test_initial_space_of_a_name_that_holds_the_delimiter_is_skipped(dialect: dict[str, Any], header: str) -> None:
    found = read(f"{header}\nx,y,z,u\n".encode(), NOTES, dialect={"skipInitialSpace": True, **dialect})
    assert (found.errors, found.warnings, found.rows) == ([], [(None, "d, e", "extra-label")], [["x", "y", "z"]])


REFUSED: list[dict[str, Any]] = [
    {"delimiter": "||"}, {"delimiter": ""}, {"delimiter": None}, {"delimiter": "đ"}, {"delimiter": "\n"},
    {"delimiter": "a"}, {"delimiter": "0"}, {"delimiter": '"'}, {"quoteChar": ""}, {"quoteChar": None},
    {"quoteChar": ","}, {"escapeChar": '"'}, {"escapeChar": "ab"}, {"commentChar": ","}, {"commentChar": 5},
    {"doubleQuote": "true"}, {"doubleQuote": 1}, {"header": 1}, {"header": None}, {"skipInitialSpace": "no"},
    {"skipInitialSpace": True, "delimiter": " "}, {"lineTerminator": "\r"}, {"lineTerminator": "||"},
    {"nullSequence": 0}, {"nullSequence": "a,b"}, {"nullSequence": 'a"'}, {"nullSequence": "a\n"},
    {"nullSequence": "trống"}, {"nullSequence": "tro\u0302\u0301ng"}, {"csv": {"nullSequence": "\ufffd"}},
    {"nullSequence": " x", "skipInitialSpace": True}, {"headerRows": [1, 2]}, {"headerRows": [True]},
    {"commentRows": [3]}, {"skipBlankRows": True}, {"encoding": "utf-8"}, {"decimalChar": ","}, {"quoting": 0},
    {"Delimiter": ";"}, {"csv": {"delimiter": "||"}}, {"csv": ";"}, {"csv": {"csv": {}}},
    {"delimiter": ",", "csv": {"delimiter": ";"}}, {"csvddfVersion": 2}, {"sheetName": "x"},
]  # fmt: skip


@pytest.mark.parametrize("declared", [*REFUSED, ["delimiter"], ";"], ids=str)
def test_dialect_that_cannot_be_read_exactly_is_refused(declared: Any) -> None:
    with pytest.raises(DialectError):
        parse_dialect(declared)
    assert read(b"a,b,c\n", NOTES, dialect=declared).errors == [(None, None, "dialect-error")]


@pytest.mark.parametrize(
    ("encoding", "form"), [("windows-1258", "trô\u0301ng"), ("utf-8", "trống"), ("utf-8", "tro\u0302\u0301ng")]
)
def test_null_sequence_that_an_encoding_may_write_in_another_form_is_refused_by_name(encoding: str, form: str) -> None:
    (found,) = read(
        f"a,b,c\n{form},y,z\n".encode(encoding), NOTES, encoding=encoding, dialect={"nullSequence": "trống"}
    ).findings
    assert found["rule"] == "dialect-error"
    assert "nullSequence" in found["message"]


@pytest.mark.parametrize("declared", [None, {}, {"$schema": "https://example.org/dialect.json"}, {"delimiter": ","}])
def test_dialect_that_says_nothing_is_the_default_one(declared: dict[str, Any] | None) -> None:
    assert parse_dialect(declared) == CsvDialect()


def test_a_property_of_null_is_not_said_of_a_reading() -> None:
    assert describe_reading("xlsx", "utf-8", {"sheetName": None, "sheetNumber": None}) == ""
    assert describe_reading("xlsx", "utf-8", {"sheetName": "A", "sheetNumber": None}) == describe_reading(
        "xlsx", "utf-8", {"sheetName": "A"}
    )
