"""Every cell is read exactly as the contract writes it, or named with its row, column and rule."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import Literal

import pyarrow as pa
import pytest

from contract.model import Column, ColumnType
from ingestion.check_fast import is_surely_good
from ingestion.check_types import find_faults
from tests.support.reading import GOOD, NAMES, THINGS, file_of, read, row_of

TYPE, CONSTRAINT = "type-error", "constraint-error"

WRONG: list[tuple[str, str, str]] = [
    # column, cell as it stands in the file, rule
    ("id", "", CONSTRAINT), ("id", '""', CONSTRAINT), ("name", "", CONSTRAINT), ("word", '""', CONSTRAINT),
    ("paid_vnd", "", CONSTRAINT), ("paid_vnd", '""', CONSTRAINT),
    ("code", " 007", CONSTRAINT), ("code", "007 ", CONSTRAINT), ("code", "0 7", CONSTRAINT),
    ("code", "A" * 25, CONSTRAINT), ("code", "mã", CONSTRAINT), ("code", "７", CONSTRAINT), ("code", "a/b", CONSTRAINT),
    ("code", "'; drop table x--", CONSTRAINT), ("code", "{{ x }}", CONSTRAINT), ("code", "=1+1", CONSTRAINT),
    ("code", '"a\tb"', CONSTRAINT), ("code", "\\N", CONSTRAINT), ("code", "\u00a0", CONSTRAINT),
    ("note", "a\tb", CONSTRAINT), ("note", '"a\nb"', CONSTRAINT), ("note", '"a\r\nb"', CONSTRAINT),
    ("note", '"a\rb"', CONSTRAINT), ("note", "a\x1bb", CONSTRAINT), ("note", "a\x7fb", CONSTRAINT),
    ("note", "a\u0085b", CONSTRAINT), ("note", "a\u009fb", CONSTRAINT), ("note", "x" * 501, CONSTRAINT),
    ("note", "ế" * 501, CONSTRAINT), ("name", "x" * 501, CONSTRAINT),
    ("word", "Open", CONSTRAINT), ("word", "open ", CONSTRAINT), ("word", "opened", CONSTRAINT),
    ("word", "open|closed", CONSTRAINT), ("word", "NULL", CONSTRAINT),
    ("day", "2025-02-30", TYPE), ("day", "2025-02-29", TYPE), ("day", "1900-02-29", TYPE), ("day", "2024-13-01", TYPE),
    ("day", "2024-00-01", TYPE), ("day", "2024-01-00", TYPE), ("day", "2024-04-31", TYPE), ("day", "0000-01-01", TYPE),
    ("day", "today", TYPE), ("day", "infinity", TYPE), ("day", "epoch", TYPE), ("day", "2024-1-1", TYPE),
    ("day", "20240101", TYPE), ("day", "01/02/2024", TYPE), ("day", "2024-01-01 ", TYPE), ("day", " 2024-01-01", TYPE),
    ("day", "2024-01-01T00:00:00", TYPE), ("day", "２０２４-01-01", TYPE), ("day", "45321", TYPE),
    ("day", "12024-01-01", TYPE), ("day", "-024-01-01", TYPE), ("day", "2024-01-01 BC", TYPE), ("day", "2024/01/01", TYPE),
    ("month", "2024-13", TYPE), ("month", "2024-00", TYPE), ("month", "2024-1", TYPE), ("month", "2024-01-01", TYPE),
    ("month", "0000-01", TYPE), ("month", "01-2024", TYPE), ("month", "T1/2024", TYPE),
    ("at", "2024-02-29T23:59:59", TYPE), ("at", "2024-02-29T23:59:59Z", TYPE), ("at", "2024-02-29T23:59:59+00:00", TYPE),
    ("at", "2024-02-29T23:59:59+0700", TYPE), ("at", "2024-02-29T23:59:59+07", TYPE), ("at", "2024-02-29", TYPE),
    ("at", "2025-02-29T23:59:59+07:00", TYPE), ("at", "2024-02-29T24:00:00+07:00", TYPE), ("at", "now", TYPE),
    ("at", "2024-02-29T23:59:60+07:00", TYPE), ("at", "2024-02-29T23:60:00+07:00", TYPE),
    ("at", "2024-02-29T23:59:59.1234567+07:00", TYPE), ("at", "2024-02-29T23:59+07:00", TYPE),
    ("at", "2024-02-29t23:59:59+07:00", TYPE), ("at", "2024-02-29T23:59:59 +07:00", TYPE),
    ("at", "2024-02-29T23:59:59+07:00 ", TYPE), ("at", "2024-02-29T23:59:59-07:00", TYPE),
    ("paid_vnd", "-5", TYPE), ("paid_vnd", "-0", TYPE), ("paid_vnd", "+5", TYPE), ("paid_vnd", " 5", TYPE),
    ("paid_vnd", "5 ", TYPE), ("paid_vnd", "1_000", TYPE), ("paid_vnd", "1.000.000", TYPE), ("paid_vnd", '"1,000"', TYPE),
    ("paid_vnd", "1 000", TYPE), ("paid_vnd", "1e3", TYPE), ("paid_vnd", "0x1F", TYPE), ("paid_vnd", "0b1", TYPE),
    ("paid_vnd", "5.0", TYPE), ("paid_vnd", "5.", TYPE), ("paid_vnd", "NaN", TYPE), ("paid_vnd", "inf", TYPE),
    ("paid_vnd", "１５", TYPE), ("paid_vnd", "١٥", TYPE), ("paid_vnd", "५", TYPE), ("paid_vnd", "5đ", TYPE),
    ("paid_vnd", "9223372036854775808", TYPE), ("paid_vnd", "99999999999999999999", TYPE), ("paid_vnd", "null", TYPE),
    ("paid_vnd", "=5", TYPE), ("paid_vnd", "'5", TYPE), ("paid_vnd", "(5)", TYPE), ("paid_vnd", "5-", TYPE),
    ("moved_vnd", "-0", TYPE), ("moved_vnd", "--5", TYPE), ("moved_vnd", "- 5", TYPE), ("moved_vnd", "−5", TYPE),
    ("moved_vnd", "-9223372036854775809", TYPE), ("moved_vnd", "9223372036854775808", TYPE), ("moved_vnd", "-", TYPE),
    ("moved_vnd", "-000", TYPE),
    ("rate_pct", "-1", TYPE), ("rate_pct", '"6,6"', TYPE), ("rate_pct", "6.66666", TYPE), ("rate_pct", " 6", TYPE),
    ("rate_pct", ".5", TYPE), ("rate_pct", "5.", TYPE), ("rate_pct", "6.6%", TYPE), ("rate_pct", "NaN", TYPE),
    ("rate_pct", "Infinity", TYPE), ("rate_pct", "6e0", TYPE), ("rate_pct", "+6", TYPE), ("rate_pct", "6.6 ", TYPE),
    ("target", "-0", TYPE), ("target", "-0.0", TYPE), ("target", "1.23456", TYPE), ("target", "1e3", TYPE),
    ("target", "--1", TYPE), ("target", "1.2.3", TYPE), ("target", "٫5", TYPE), ("target", "9" * 501, TYPE),
    ("members", "007", TYPE), ("members", "-1", TYPE), ("members", "1.0", TYPE), ("members", "9223372036854775808", TYPE),
    ("members", "00", TYPE), ("members", "+1", TYPE), ("members", "1 ", TYPE),
    ("day_of_month", "0", CONSTRAINT), ("day_of_month", "32", CONSTRAINT), ("day_of_month", "01", TYPE),
    ("is_good", "2", TYPE), ("is_good", "true", TYPE), ("is_good", "t", TYPE), ("is_good", "01", TYPE), ("is_good", "1.0", TYPE),
]  # fmt: skip

RIGHT: list[tuple[str, str, str | None]] = [
    # column, cell as it stands in the file, what is read
    ("id", "0", "0"), ("id", "A.b_c-9", "A.b_c-9"), ("id", "x" * 24, "x" * 24), ("id", '"007"', "007"),
    ("code", "", None), ("code", '""', None), ("code", "1e3", "1e3"), ("code", "NaN", "NaN"), ("code", "-", "-"),
    ("note", "", None), ("note", '""', None), ("note", '"a,b"', "a,b"), ("note", '"a""b"', 'a"b'), ("note", '""""', '"'),
    ("note", " a ", " a "), ("note", '" "', " "), ("note", "x" * 500, "x" * 500), ("note", "ế" * 500, "ế" * 500),
    ("note", "NULL", "NULL"), ("note", "\\N", "\\N"), ("note", "\\.", "\\."), ("note", "=cmd()", "=cmd()"),
    ("note", "'; drop table x; --", "'; drop table x; --"), ("note", "{{ 7 * 7 }}", "{{ 7 * 7 }}"),
    ("note", "NaN", "NaN"), ("note", "#N/A", "#N/A"), ("note", "\ufeffa", "\ufeffa"), ("note", "😀", "😀"),
    ("note", "\u2028", "\u2028"), ("note", "\ufffd", "\ufffd"), ("note", "a'b", "a'b"), ("note", "%s", "%s"),
    ("word", "closed", "closed"), ("word", '"closed"', "closed"),
    ("day", "", None), ("day", "0001-01-01", "0001-01-01"), ("day", "9999-12-31", "9999-12-31"),
    ("day", "2000-02-29", "2000-02-29"), ("day", '"2024-12-31"', "2024-12-31"),
    ("month", "2024-12", "2024-12"), ("month", "", None),
    ("at", "2024-02-29 00:00:00+07:00", "2024-02-29 00:00:00+07:00"),
    ("at", "2024-02-29T00:00:00.123456+07:00", "2024-02-29T00:00:00.123456+07:00"),
    ("paid_vnd", "0", "0"), ("paid_vnd", "9223372036854775807", "9223372036854775807"), ("paid_vnd", '"5"', "5"),
    ("paid_vnd", "007", "007"), ("paid_vnd", "00000000000000000000005", "00000000000000000000005"),
    ("moved_vnd", "", None), ("moved_vnd", "-9223372036854775808", "-9223372036854775808"), ("moved_vnd", "5", "5"),
    ("rate_pct", "0", "0"), ("rate_pct", "6.6000", "6.6000"), ("rate_pct", "10.296", "10.296"),
    ("rate_pct", "007.5", "007.5"), ("target", "-12.3456", "-12.3456"), ("target", "0.0", "0.0"),
    ("target", "123456789012345678901234.5", "123456789012345678901234.5"),
    ("members", "0", "0"), ("members", "9223372036854775807", "9223372036854775807"),
    ("day_of_month", "1", "1"), ("is_good", "0", "0"),
]  # fmt: skip


def name_of(case: tuple[str, str, str | None]) -> str:
    return f"{case[0]}-{case[1][:30]!r}"


@pytest.mark.parametrize(("column", "cell", "rule"), WRONG, ids=[name_of(case) for case in WRONG])
def test_wrong_cell_is_named_with_its_row_and_rule(column: str, cell: str, rule: str) -> None:
    found = read(file_of(row_of(), row_of({"id": "A2", column: cell}), row_of({"id": "A3"})))
    assert found.errors == [(2, column, rule)]
    assert found.totals.row_count == 3


@pytest.mark.parametrize(("column", "cell", "rule"), WRONG, ids=[name_of(case) for case in WRONG])
def test_wrong_cell_is_found_among_many_equal_good_ones(column: str, cell: str, rule: str) -> None:
    lines = [row_of({"id": f"A{number}"}) for number in range(40)]
    lines[17] = row_of({"id": "A17", column: cell})
    assert read(file_of(*lines)).errors == [(18, column, rule)]


@pytest.mark.parametrize(("column", "cell", "value"), RIGHT, ids=[name_of(case) for case in RIGHT])
def test_right_cell_is_read_exactly(column: str, cell: str, value: str | None) -> None:
    found = read(file_of(row_of({column: cell})))
    assert found.findings == []
    assert found.rows == [[{**GOOD, column: value}[name] for name in NAMES]]


def test_every_wrong_cell_of_a_row_and_every_row_is_reported() -> None:
    lines = [row_of({"paid_vnd": "x", "day": "today", "id": f"A{n}"}) for n in range(100)]
    errors = read(file_of(*lines)).errors
    expected = [(number + 1, name, TYPE) for number in range(100) for name in ("paid_vnd", "day")]
    assert sorted(errors, key=str) == sorted(expected, key=str)


def test_wrong_personal_value_is_masked_and_another_is_quoted() -> None:
    findings = read(file_of(row_of({"name": "x" * 501, "code": "a b", "word": "K1"}))).findings
    assert [(f["column"], f["value"]) for f in findings] == [("code", "***"), ("name", "***"), ("word", "K1")]


def test_quoted_value_in_a_finding_is_short_and_without_control_characters() -> None:
    data = file_of(row_of({"note": '"' + "\n" + "x" * 600 + '"'}))
    (found,) = read(data, replace(THINGS, columns=tuple(replace(c, is_pii=False) for c in THINGS.columns))).findings
    assert found["value"] == "\ufffd" + "x" * 199 + "…"


@pytest.mark.parametrize("form", ["NFD", "NFKD"])
def test_text_in_another_normal_form_is_normalised_with_a_warning(form: Literal["NFD", "NFKD"]) -> None:
    note = unicodedata.normalize(form, "Hộ nghèo xã Đất Mũi")
    found = read(file_of(row_of(), row_of({"id": "A2", "note": note})))
    assert found.rows[1][NAMES.index("note")] == "Hộ nghèo xã Đất Mũi"
    assert (found.errors, found.warnings) == ([], [(2, "note", "not-nfc")])


def test_five_hundred_characters_are_counted_after_normalising() -> None:
    note = unicodedata.normalize("NFD", "ệ" * 500)
    assert len(note) == 1500
    found = read(file_of(row_of({"note": note})))
    assert (found.errors, found.rows[0][NAMES.index("note")]) == ([], "ệ" * 500)


@pytest.mark.parametrize("column", THINGS.columns, ids=[column.name for column in THINGS.columns])
def test_fast_check_never_passes_what_the_exact_check_finds_wrong(column: Column) -> None:
    cells = {cell.strip('"') for cases in (WRONG, RIGHT) for _, cell, *_ in cases} | set(GOOD.values())
    passed = [cell for cell in cells if is_surely_good(column, pa.array([cell or None], pa.string()))]
    assert {cell: find_exactly(column, cell) for cell in passed} == {cell: [] for cell in passed}
    assert passed or column.type in (
        ColumnType.MONTH, ColumnType.TIMESTAMP, ColumnType.RATE, ColumnType.DECIMAL, ColumnType.INT,
    )  # fmt: skip


def find_exactly(column: Column, cell: str) -> list[str]:
    beside = pa.array([cell or None, "\x00"], pa.string())  # NUL is right for no type: it forces the exact rules
    return [fault.rule for fault in find_faults(column, beside) if 0 in fault.indices.to_pylist()]


def test_table_of_cells_covers_every_type() -> None:
    for columns in ([case[0] for case in WRONG], [case[0] for case in RIGHT]):
        assert {THINGS.column(column).type for column in columns} == set(ColumnType)
