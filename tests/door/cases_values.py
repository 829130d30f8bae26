"""Contract section 3: values, row by row, and what a CSV file is."""

from __future__ import annotations

import gzip
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.door.case import Case, content, edit, find
from tests.support.deliveries import COLUMNS, KEYS, MONEY, Delivery, to_csv

WRONG: list[tuple[str, str, str, str, Sequence[str]]] = [
    ("a code", "inspections", "inspection_id", "constraint-error",
     ["", "A 1", "A/1", "mã1", "А1", "A1\t", " A1", "A" * 25, "１", "A,1", "A'1", "=A1", "\\N", "NULL "]),
    ("a text", "offices", "name", "constraint-error",
     ["", "Tổ\t1", "Tổ\n1", "Tổ\r\n1", "Tổ\x7f1", "Tổ\x85", "Tổ\x1b[31m", "T" * 501, "ổ" * 501]),
    ("a word", "eligible_demand", "status", "constraint-error", ["", "Identified", "identified ", "chờ", "0", "IDENTIFIED"]),
    ("a date", "inspections", "inspected_on", "type-error",
     ["20250303", "2025-3-3", "03/03/2025", "2025-02-29", "2025-13-01", "2025-00-10", "2025-03-32", "0000-01-01", "2025-03-03T00:00:00",
      " 2025-03-03", "2025-03-03 ", "45719", "２０２５-03-03", "٢٠٢٥-03-03", "2025/03/03", "+2025-03-03", "today", "infinity", "2025-W10-1"]),
    ("a month", "savings_groups", "graded_month", "type-error", ["2025-13", "2025-1", "202501", "2025-01-01", "01/2025", "2025-00"]),
    ("a timestamp", "absconded_cases", "updated_at", "type-error",
     ["2024-06-01", "2024-06-01T09:00:00", "2024-06-01T09:00:00Z", "2024-06-01T09:00:00+00:00", "2024-06-01T24:00:00+07:00",
      "2024-06-01T09:60:00+07:00", "2024-06-31T09:00:00+07:00", "2024-06-01T09:00+07:00", "01/06/2024 09:00", "now"]),
    ("an amount", "absconded_cases", "recovered_vnd", "type-error",
     ["1.0", "1,000", "1.000", "1_000", "1 000", "1e3", "1E3", "NaN", "inf", "Infinity", "0x10", "+1", "-1", "--1", "- 1", "१००", "１２３", "٣",
      "1đ", "1 ", " 1", "9223372036854775808", "99999999999999999999", "1.5", "½", "²", "true", "=1+1", "null", "-"]),
    ("a count", "inspections", "findings", "type-error", ["01", "-1", "1.0", "+1", "1e0", "００", "1,0", "99999999999999999999", "x"]),
    ("a flag", "transaction_points", "is_primary", "type-error", ["2", "true", "Y", "01", "-1", "có", "1.0"]),
    ("a rate", "loan_book", "rate_pct", "type-error", ["6,6", "6.60000", "-6.6", ".6", "6.", "6.6%", "1e1", "NaN", "６.6", "6.6 "]),
    ("a decimal", "plan_targets", "target_value", "type-error", ["1,5", "1.23456", "1e5", "NaN", "-", "--1", "+1", "1.", "Infinity"]),
]  # fmt: skip
ROWS_BEFORE = {"offices": 3, "savings_groups": 2, "loan_book": 26}
"""Rows that stay before the ones added, for others refer to them."""

RIGHT: list[tuple[str, str, str, Sequence[str]]] = [
    ("codes", "inspections", "inspection_id", ["a", "A", "007", "7", "A.b_c-d", "Z" * 24, "-1", "NULL", "nan", "1e3"]),
    ("texts", "plan_targets", "decision_no",
     ["", "Số 12/QĐ-NHCS", 'nói "có"', "a, b; c|d", "=1+1", "{{ 7*7 }}", "'; drop table meta.ledger; --", "\\.", "\\N", "NULL", "ổ" * 500, " x "]),
    ("dates", "inspections", "fixed_on", ["", "2024-02-29", "0001-01-01", "1899-12-31", "2025-09-29"]),
    ("timestamps", "absconded_cases", "updated_at",
     ["2024-06-01T09:00:00+07:00", "2024-06-01T09:00:00.123456+07:00", "2025-09-29T20:00:00+07:00"]),
    ("amounts", "eligible_demand", "need_vnd", ["", "0", "1", "9000000000000000000"]),
    ("counts", "inspections", "findings", ["0", "1", "9223372036854775807"]),
    ("flags", "transaction_points", "is_primary", ["0", "1"]),
    ("decimals", "plan_targets", "target_value", ["0", "-0.5", "1.2345", "12345678901234567890.1234", "007"]),
]  # fmt: skip


def _cells(dataset: str, column: str, values: Sequence[str], *, is_wrong: bool) -> Callable[[Delivery], object]:
    """One row a value, each with a key of its own, under figures that a reader of wrong values never compares."""

    def change(delivery: Delivery) -> None:
        model, key = delivery.rows[dataset][0], KEYS[dataset][0]
        kept = delivery.rows[dataset] if dataset in ROWS_BEFORE else []
        rows = [model | {key: f"N{n}"} | {column: value} for n, value in enumerate(values)]
        if is_wrong:
            totals = {
                "rowCount": len(kept) + len(rows),
                "controlTotals": dict.fromkeys(MONEY.get(dataset, []), 0),
                "keyChecksum": 0,
            }
            delivery.resources[dataset] = totals
            delivery.payloads[dataset] = gzip.compress(to_csv(dataset, [*kept, *rows]))
        else:
            delivery.rows[dataset] = [*kept, *rows]

    return change


VALUES = [
    *(Case(f"{what} is wrong in {len(values)} ways", "3", "held", _cells(dataset, column, values, is_wrong=True),
           tuple(find("constraint-error" if value == "" else rule, dataset, ROWS_BEFORE.get(dataset, 0) + n, column)
                 for n, value in enumerate(values, 1)))
      for what, dataset, column, rule, values in WRONG),
    *(Case(f"{what} are right in {len(values)} ways", "3", "published_with_warnings", _cells(dataset, column, values, is_wrong=False),
           (find("large-change", dataset),))
      for what, dataset, column, values in RIGHT),
]  # fmt: skip


def _reorder(data: bytes) -> bytes:
    lines = data.decode().splitlines()
    return ("\n".join(",".join(reversed(line.split(","))) for line in lines) + "\n").encode()


def _nfd(data: bytes) -> bytes:
    return unicodedata.normalize("NFD", data.decode()).encode()


def _rows(data: bytes) -> list[bytes]:
    return data.splitlines()


NO_LABELS = [
    "source-error inspections",
    *(f"missing-label inspections - {name}" for name in COLUMNS["inspections"].split()),
]


# Every file below is `inspections`: one row, which no rule between datasets reads.
def _file(name: str, change: Callable[[bytes], bytes], verdict: str, *finds: str, **properties: object) -> Case:
    found = tuple(
        find(*(None if part == "-" else int(part) if part.isdigit() else part for part in text.split()))
        for text in finds
    )
    return Case(name, "3", verdict, content("inspections", change, **properties), found)


STRUCTURE = [
    _file("columns stand in another order", _reorder, "published"),
    _file("lines end with CRLF", lambda b: b.replace(b"\n", b"\r\n"), "published"),
    _file("the last line has no end", lambda b: b[:-1], "published"),
    _file("every field is quoted", lambda b: b"\n".join(b",".join(b'"' + c + b'"' for c in r.split(b",")) for r in _rows(b)) + b"\n", "published"),
    _file("a byte order mark is declared", lambda b: b"\xef\xbb\xbf" + b, "published", encoding="utf-8-sig"),
    _file("a declared byte order mark is not there", lambda b: b, "published", encoding="utf-8-sig"),
    _file("a byte order mark is not declared", lambda b: b"\xef\xbb\xbf" + b, "held", "encoding-error inspections"),
    _file("the file is UTF-16", lambda b: b.decode().encode("utf-16"), "held", "encoding-error inspections"),
    _file("the file is empty", lambda b: b"", "held", "source-error inspections"),
    _file("the header is missing", lambda b: b.split(b"\n", 1)[1], "held", *NO_LABELS),
    _file("a column is missing", lambda b: b"\n".join(r.rsplit(b",", 1)[0] for r in _rows(b)) + b"\n", "held", "missing-label inspections - fixed_on"),
    _file("a column stands twice", lambda b: b"\n".join(r + b"," + r.rsplit(b",", 1)[1] for r in _rows(b)) + b"\n", "held",
          "duplicate-label inspections - fixed_on"),
    _file("a header is empty", lambda b: b"\n".join(r + b"," for r in _rows(b)) + b"\n", "held", "blank-label inspections"),
    _file("a header has other letters", lambda b: b.replace(b"fixed_on", b"Fixed_On"), "held", "missing-label inspections - fixed_on",
          "extra-label inspections - Fixed_On"),
    _file("an extra column is ignored and named", lambda b: b"\n".join(r + b"," + n for r, n in zip(_rows(b), (b"note", b"x"), strict=True)) + b"\n",
          "published_with_warnings", "extra-label inspections - note"),
    _file("a row has a cell too many", lambda b: b[:-1] + b",x\n", "held", "extra-cell inspections 1"),
    _file("a row has a cell too few", lambda b: b[:-2] + b"\n", "held", "missing-cell inspections 1 fixed_on"),
    _file("a row is blank", lambda b: b + b"\n", "held", "blank-row inspections 2", "row-count inspections"),
    _file("a row is nothing but separators", lambda b: b + b"," * 10 + b"\n", "held", "row-count inspections",
          *(f"constraint-error inspections 2 {name}" for name in COLUMNS["inspections"].split() if name not in ("organisation_code", "fixed_on"))),
    _file("a quote is never closed", lambda b: b[:-1] + b'"x\n', "held", "source-error inspections 1"),
    _file("a quote stands inside a field", lambda b: b.replace(b"bank", b'ba"nk'), "held", "source-error inspections 1"),
    _file("a NUL stands in a field", lambda b: b.replace(b"bank", b"ba\0nk"), "held", "source-error inspections 1"),
    _file("a NUL stands in the header", lambda b: b.replace(b"fixed_on", b"fixed\0on"), "held", "source-error inspections"),
    _file("lines end with CR alone", lambda b: b.replace(b"\n", b"\r"), "held", "source-error inspections"),
    _file("bytes are no UTF-8", lambda b: b.replace(b"bank", b"b\xe1nk"), "held", "encoding-error inspections 1"),
    _file("a surrogate is written in UTF-8", lambda b: b.replace(b"bank", b"\xed\xa0\x80"), "held", "encoding-error inspections 1"),
    _file("an overlong form is used", lambda b: b.replace(b"bank", b"b\xc0\xaf"), "held", "encoding-error inspections 1"),
    _file("a line holds only a backslash and a dot", lambda b: b + b"\\.\n", "held", "row-count inspections", "missing-cell inspections 2 body"),
    _file("a dialect says semicolon", lambda b: b.replace(b",", b";"), "published", dialect={"delimiter": ";"}),
    _file("a dialect says semicolon and the file does not", lambda b: b, "held", *NO_LABELS, dialect={"delimiter": ";"}),
    _file("a dialect has two delimiters", lambda b: b, "held", "dialect-error inspections", dialect={"delimiter": ",;"}),
    _file("a dialect has an unknown property", lambda b: b, "held", "dialect-error inspections", dialect={"trim": True}),
    replace(_file("a dialect skips the initial space of quoted names and values", lambda b: b"\n".join(
        b", ".join(b'"' + c + b'"' for c in r.split(b",")) for r in _rows(b)) + b"\n", "published", dialect={"skipInitialSpace": True}), was_red=True),
    replace(_file("a dialect has a null sequence that is not ASCII", lambda b: b[:-1] + "trống\n".encode(), "held", "dialect-error inspections",
                  dialect={"nullSequence": "trống"}), was_red=True),
    _file("a dialect has another quote", lambda b: b.replace(b"bank", b"'bank'"), "published", dialect={"quoteChar": "'"}),
]  # fmt: skip


def _offices(change: Callable[[bytes], bytes], **properties: object) -> Callable[[Delivery], object]:
    return content("offices", change, **properties)


ENCODINGS = [
    Case("text is in form NFD", "3", "published_with_warnings", _offices(_nfd), tuple(find("not-nfc", "offices", n, "name") for n in (1, 2, 3))),
    Case("text is in windows-1258, declared", "3", "published",
         _offices(lambda b: _to_1258(b.decode()), encoding="windows-1258")),
    Case("text is in windows-1258, not declared", "3", "held", _offices(lambda b: _to_1258(b.decode())),
         tuple(find("encoding-error", "offices", n) for n in (1, 2, 3))),
    Case("text is UTF-8, declared as windows-1258", "3", "held", _offices(lambda b: b, encoding="windows-1258"),
         (find("encoding-error", "offices"), *(find("encoding-error", "offices", n) for n in (1, 2, 3)))),
    Case("null and 0 are not the same", "3", "held", edit("loan_book", 1, overdue_vnd=""), (find("constraint-error", "loan_book", 1, "overdue_vnd"),)),
]  # fmt: skip


def _to_1258(text: str) -> bytes:
    """Vietnamese in windows-1258: base letters with their vowel mark composed, tone marks as combining characters."""
    written = []
    for letter in unicodedata.normalize("NFC", text):
        try:
            written.append(letter.encode("windows-1258"))
        except UnicodeEncodeError:
            parts = unicodedata.normalize("NFD", letter)
            tone = next(mark for mark in parts if mark in "\u0300\u0301\u0303\u0309\u0323")
            base = unicodedata.normalize("NFC", parts.replace(tone, ""))
            written.append((base + tone).encode("windows-1258"))
    return b"".join(written)


CASES = [*VALUES, *STRUCTURE, *ENCODINGS]
