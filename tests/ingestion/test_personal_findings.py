"""Where a dataset has personal data a value is quoted only in a form that no person's value has, whatever column it is in."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contract.model import load_datasets
from pipeline.check_file import check_file
from tests.support.deliveries import COLUMNS, first_delivery, to_csv
from tests.support.reading import read
from tests.support.workbooks import in_sheet, read_xlsx

CUSTOMERS = load_datasets()["customers"]
ROWS = first_delivery("96", loans=3).rows["customers"]
PERSONAL = [str(row[name]) for row in ROWS for name in ("full_name", "birth_date", "national_id", "phone")]


def quote(row: int = 1, **values: Any) -> list[tuple[int, str, str | None]]:
    """Read the customers with these values in a row of theirs, and return row, column and value of each finding."""
    rows = [dict(line) for line in ROWS]
    rows[row - 1] |= values
    return [(f["row"], f["column"], f["value"]) for f in read(to_csv("customers", rows), CUSTOMERS).findings]


NAMES = ["Nguyễn Thị Lan", "Y Thu", "Thu", "thu", "LAN", "Ê Ban", "Y", "Nguyen_Lan", "nguyen-lan", "Ng.T.Lan", "a b"]
NUMBERS = ["0912345678", "0912 345 678", "0912.345.678", "0912-345-678", "+84912345678", "84912345678", "0084912345678",
           "912345678", "096180000001", "096 180 000 001", "DT0912345678"]  # fmt: skip
DATES = ["03/02/1980", "3/2/1980", "1980-02-03", "03-02-1980", "03.02.1980", "19800203", "03021980", "030280", "3-Feb-1980",
         "03Feb1980", "FEB1980", "1980", "2.1980", "1980-02-03T00:00:00+07:00", "19800203T000000", "19800203000000", "NS03021980"]  # fmt: skip


@pytest.mark.parametrize("value", [*NAMES, *NUMBERS, *DATES])
def test_value_that_may_be_a_persons_is_masked_in_a_column_that_is_not_personal(value: str) -> None:
    assert quote(2, sex=value) == [(2, "sex", "***")]
    assert {shown for _, _, shown in quote(2, customer_id=value)} <= {"***"}


@pytest.mark.parametrize("value", ["C9600001", "KH0001234", "c12", "K1", "31825", "9600010000123", "0100010000123"])
def test_value_in_the_form_of_a_code_is_quoted(value: str) -> None:
    assert quote(2, sex=value, residence=value) == [(2, "sex", value), (2, "residence", value)]


def test_empty_value_stays_empty() -> None:
    assert quote(2, residence="") == [(2, "residence", None)]


@pytest.mark.parametrize("other", COLUMNS["customers"].split())
@pytest.mark.parametrize("personal", ["full_name", "birth_date", "phone", "national_id"])
def test_headers_that_are_swapped_show_nobody(personal: str, other: str, tmp_path: Path) -> None:
    header, rest = to_csv("customers", [*ROWS, ROWS[0]]).decode().split("\n", 1)
    swapped = {personal: other, other: personal}
    header = ",".join(swapped.get(name, name) for name in header.split(","))
    path = tmp_path / "customers.csv"
    path.write_text(f"{header}\n{rest}")
    findings = check_file(path, CUSTOMERS, out=None).findings.to_pylist()
    assert findings
    shown = str([(f["value"], f["message"]) for f in findings])
    assert [value for value in PERSONAL if value in shown] == []


def test_key_that_stands_twice_is_named_where_it_is_a_code(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_bytes(to_csv("customers", [*ROWS, ROWS[1]]))
    findings = check_file(path, CUSTOMERS, out=None).findings.to_pylist()
    assert [(f["rule"], f["row"], f["value"]) for f in findings] == [
        ("primary-key", 2, "C9600002"),
        ("primary-key", 4, "C9600002"),
    ]


@pytest.mark.parametrize("extra", ["", ",ghi_chu"])
def test_header_that_has_lost_its_line_end_shows_nobody(extra: str) -> None:
    header, first, rest = to_csv("customers", ROWS).decode().split("\n", 2)
    found = read(f"{header}{extra}{first}\n{rest}".encode(), CUSTOMERS).findings
    assert "extra-label" in {f["rule"] for f in found}
    shown = str([(f["column"], f["value"], f["message"]) for f in found])
    assert [value for value in [*PERSONAL, "Nguyễn"] if value in shown] == []


def test_extra_column_beside_personal_data_is_named_where_it_is_written_as_a_name() -> None:
    header, rest = to_csv("customers", ROWS[:1]).decode().split("\n", 1)
    labels = ["ghi_chu", "note2", "Lan", "Nguyễn Thị Lan", "0912345678", "dt0912345678"]
    data = f"{header},{','.join(labels)}\n{rest.rstrip()}{',' * len(labels)}\n"
    found = read(data.encode(), CUSTOMERS).findings
    assert [(f["rule"], f["severity"], f["column"]) for f in found] == [
        ("extra-label", "warning", name) for name in ("ghi_chu", "note2", "***", "***", "***", "***")
    ]


def test_number_of_a_workbook_is_masked_too() -> None:
    book = openpyxl.Workbook()
    names = COLUMNS["customers"].split()
    book.worksheets[0].append(names)
    row = {**ROWS[0], "hamlet_code": 912345678}
    book.worksheets[0].append([row[name] or None for name in names])
    out = io.BytesIO()
    book.save(out)
    findings = read(out.getvalue(), CUSTOMERS, format="xlsx").findings
    assert [(f["column"], f["rule"], f["value"]) for f in findings] == [("hamlet_code", "type-error", "***")]


def test_damage_in_a_workbook_does_not_tell_what_the_cell_held() -> None:
    held = 't="inlineStr"><is><t>Lê Thị Én</t></is>'
    for damage in ('t="s"><v>Lê Thị Én</v>', 't="n"><is><t>Lê Thị Én</t></is>', 't="Lê"><v>Lê Thị Én</v>'):
        (found,) = read_xlsx(in_sheet(held, damage)).findings
        assert (found["rule"], found["value"]) == ("source-error", None)
        assert "Thị" not in found["message"]


def test_day_of_a_parquet_file_is_masked_too() -> None:
    columns = {name: pa.array([str(ROWS[0][name]) or None], pa.string()) for name in COLUMNS["customers"].split()}
    columns["changed_at"] = pa.array([319_075_200_000_000_001], pa.int64()).cast(pa.timestamp("ns", "UTC"))
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    findings = read(out.getvalue(), CUSTOMERS, format="parquet").findings
    assert [(f["column"], f["rule"], f["value"]) for f in findings] == [("changed_at", "type-error", "***")]


def test_dataset_without_personal_data_quotes_what_is_wrong() -> None:
    row = first_delivery("96").rows["offices"][0] | {"kind": "Nguyễn Thị Lan", "opened_on": "03/02/1980"}
    findings = read(to_csv("offices", [row]), load_datasets()["offices"]).findings
    assert [f["value"] for f in findings] == ["Nguyễn Thị Lan", "03/02/1980"]
