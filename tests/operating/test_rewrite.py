"""A delivered file written again without a person: in its own form, everybody else as they were."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contract.model import load_datasets
from ingestion.descriptor import Resource
from ingestion.rewrite import CannotRewriteError, holds_values, rewrite
from tests.support.deliveries import COLUMNS, first_delivery, to_csv

CUSTOMER = "C9600002"


def resource(**values: Any) -> Resource:
    known = {"dataset": "customers", "path": "customers", "format": "csv", "encoding": "utf-8", "compression": None, "dialect": None,
             "bytes": 0, "sha256": "", "row_count": 0, "control_totals": {}, "key_checksum": 0}  # fmt: skip
    return Resource(**(known | values))  # type: ignore[arg-type]


ROWS = first_delivery("96", loans=4).rows["customers"]


def as_parquet(**more: pa.Array) -> bytes:
    columns = {name: pa.array([str(row[name]) or None for row in ROWS]) for name in COLUMNS["customers"].split()}
    target = io.BytesIO()
    pq.write_table(pa.table(columns | more), target)
    return target.getvalue()


def as_quoted_csv(*, has_header: bool = True) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS["customers"].split(), quoting=csv.QUOTE_ALL)
    if has_header:
        writer.writeheader()
    writer.writerows(ROWS)
    return codecs.BOM_UTF8 + text.getvalue().encode()


def as_foreign_xlsx() -> bytes:
    """As a program writes it whose page setup openpyxl does not know."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(as_xlsx())) as book, zipfile.ZipFile(target, "w") as changed:
        for name in book.namelist():
            page = b'<pageSetup orientation="sideways"/><pageMargins'
            changed.writestr(name, book.read(name).replace(b"<pageMargins", page))
    return target.getvalue()


def as_xlsx(*others: str) -> bytes:
    """`others`: what stands on further sheets."""
    book, target = openpyxl.Workbook(), io.BytesIO()
    for other in others:
        book.create_sheet().append([other])
    sheet = book.active
    assert sheet is not None
    names = COLUMNS["customers"].split()
    sheet.append(names)
    for row in ROWS:
        sheet.append([row[name] or None for name in names])
    book.save(target)
    return target.getvalue()


PLAIN = to_csv("customers", ROWS)
FORMS = {
    "csv": (PLAIN, resource()),
    "with crlf and a byte order mark": (
        b"\xef\xbb\xbf" + PLAIN.replace(b"\n", b"\r\n"), resource(encoding="utf-8-sig")),
    "gz": (gzip.compress(PLAIN), resource(compression="gz")),
    "semicolons": (PLAIN.replace(b",", b";"), resource(dialect={"delimiter": ";"})),
    "a quoted line break": (PLAIN.replace("Nguyễn Thị Số 3".encode(), '"Nguyễn, ""Số"" 3"'.encode()), resource()),
    "an extra column": (
        PLAIN.replace(b"changed_at\n", b"changed_at,address\n").replace(b"+07:00\n", "+07:00,Ấp Số 2\n".encode()), resource()),
    "every value quoted, after a byte order mark": (as_quoted_csv(), resource(encoding="utf-8-sig")),
    "a comment after a byte order mark": (
        codecs.BOM_UTF8 + b"#customers\n" + PLAIN, resource(encoding="utf-8-sig", dialect={"commentChar": "#"})),
    "a value that is longer than csv reads by itself": (
        PLAIN.replace(b"changed_at\n", b"changed_at,photo\n").replace(b"+07:00\n", b"+07:00," + b"x" * 140_000 + b"\n"),
        resource()),
    "parquet": (as_parquet(), resource(format="parquet")),
    "parquet in which nobody has a telephone": (as_parquet(phone=pa.nulls(len(ROWS))), resource(format="parquet")),
    "parquet in which nobody has a telephone, and it is a number": (
        as_parquet(phone=pa.nulls(len(ROWS), pa.float64())), resource(format="parquet")),
    "parquet with a column of lists": (as_parquet(tags=pa.array([["x"]] * len(ROWS))), resource(format="parquet")),
    "xlsx": (as_xlsx(), resource(format="xlsx")),
    "xlsx of another program": (as_foreign_xlsx(), resource(format="xlsx")),
    "xlsx with other sheets": (as_xlsx(f"call {CUSTOMER}: 0996000002"), resource(format="xlsx", dialect={"sheetName": "Sheet"})),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_file_keeps_its_form_and_everybody_else(form: str, tmp_path: Path) -> None:
    content, declared = FORMS[form]
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(content)
    dataset = load_datasets()["customers"]
    assert holds_values(source, dataset, declared, [CUSTOMER])
    rewrite(source, target, dataset, declared, [CUSTOMER])
    assert not holds_values(target, dataset, declared, [CUSTOMER])
    assert holds_values(target, dataset, declared, ["C9600003"])
    if declared.format == "csv" and declared.compression is None:
        before, after = content.split(b"\n"), target.read_bytes().split(b"\n")
        (of_customer,) = [number for number, line in enumerate(before) if CUSTOMER.encode() in line]
        assert [number for number, (old, new) in enumerate(zip(before, after, strict=True)) if old != new] == [
            of_customer
        ]
        assert "Ấp".encode() not in after[of_customer]
    if declared.format != "parquet":
        assert not any(b"0996000002" in part for part in unpacked(target.read_bytes()))
        assert any(b"0996000003" in part for part in unpacked(target.read_bytes()))


def unpacked(content: bytes) -> list[bytes]:
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            return [book.read(name) for name in book.namelist()]
    return [gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content]


def test_the_first_row_of_a_file_without_a_header_is_told_from_its_byte_order_mark(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(as_quoted_csv(has_header=False))
    declared, dataset = resource(encoding="utf-8-sig", dialect={"header": False}), load_datasets()["customers"]
    assert holds_values(source, dataset, declared, ["C9600001"])
    rewrite(source, target, dataset, declared, ["C9600001"])
    assert target.read_bytes().startswith(codecs.BOM_UTF8)
    assert b"0996000001" not in target.read_bytes()
    assert holds_values(target, dataset, declared, [CUSTOMER])


def test_a_file_that_is_no_table_is_not_rewritten(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"PK\x03\x04 no workbook")
    with pytest.raises(CannotRewriteError):
        rewrite(source, tmp_path / "target", load_datasets()["customers"], resource(format="xlsx"), [CUSTOMER])
