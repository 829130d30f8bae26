"""A delivered file written again without a person: in its own form, everybody else as they were."""

from __future__ import annotations

import gzip
import io
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


def as_parquet() -> bytes:
    columns = {name: pa.array([str(row[name]) or None for row in ROWS]) for name in COLUMNS["customers"].split()}
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target)
    return target.getvalue()


def as_xlsx() -> bytes:
    book, target = openpyxl.Workbook(), io.BytesIO()
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
    "parquet": (as_parquet(), resource(format="parquet")),
    "xlsx": (as_xlsx(), resource(format="xlsx")),
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
        assert [number for number, (old, new) in enumerate(zip(before, after, strict=True)) if old != new] == [2]
        assert "Ấp".encode() not in after[2]


def test_a_file_that_is_no_table_is_not_rewritten(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"PK\x03\x04 no workbook")
    with pytest.raises(CannotRewriteError):
        rewrite(source, tmp_path / "target", load_datasets()["customers"], resource(format="xlsx"), [CUSTOMER])
