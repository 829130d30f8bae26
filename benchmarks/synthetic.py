"""A large synthetic delivery of one branch, made in seconds: valid by the contract, no likeness to a real province."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from tests.support.deliveries import COLUMNS, KEYS, MONEY, first_delivery, to_csv

CHUNK = 250_000
QUOTING = "none"
"""No value made here needs quotes (contract section 3). `needed` would put them around every text."""


def write_delivery(landing: Path, branch: str, date: str, loans: int, *, commune: str, level: int = 1) -> Path:
    """Write a first delivery with `loans` loans of as many customers, in two offices; descriptor last."""
    small = first_delivery("96", date, loans=2)
    folder = landing / branch / date / "r1"
    folder.mkdir(parents=True, exist_ok=True)
    resources = []
    groups: dict[tuple[str, str], int] = {}
    for name in COLUMNS:
        if name == "loan_book":
            tables = (_loans(start, min(CHUNK, loans - start), commune) for start in range(0, loans, CHUNK))
            resources.append(_write(folder, name, tables, level, groups))
        elif name == "customers":
            tables = (_customers(start, min(CHUNK, loans - start), commune) for start in range(0, loans, CHUNK))
            resources.append(_write(folder, name, tables, level, None))
        elif name == "ledger_balances":
            rows = [
                {
                    "account_code": "21",
                    "office_code": office,
                    "programme_code": programme,
                    "bucket": "in_term",
                    "closing_vnd": total,
                }
                for (office, programme), total in sorted(groups.items())
            ]
            resources.append(_write(folder, name, [_table(name, rows)], level, None))
        else:
            rows = [{**row, "commune_code": commune} if "commune_code" in row else row for row in small.rows[name]]
            resources.append(_write(folder, name, [_table(name, rows)], level, None))
    offices = [
        {"officeCode": row["office_code"], "status": "delivered", "reason": None} for row in small.rows["offices"]
    ]
    descriptor = {
        "contractVersion": "1", "branchCode": branch, "businessDate": date, "revision": 1, "previousBusinessDate": None,
        "supersedes": None, "cobCompletedAt": f"{date}T20:00:00+07:00", "workingDay": True, "currencyUnit": "VND",
        "offices": offices, "resources": resources,
    }  # fmt: skip
    (folder / "datapackage.json").write_text(json.dumps(descriptor))
    return folder


def _table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    return pa_csv.read_csv(
        pa.py_buffer(to_csv(name, rows)),
        convert_options=pa_csv.ConvertOptions(
            column_types={column: pa.string() for column in COLUMNS[name].split()},
            null_values=[""],
            strings_can_be_null=True,
        ),
    )


def _numbered(prefix: str, numbers: np.ndarray[Any, Any]) -> pa.Array:
    text = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), 9, "0")
    return pc.binary_join_element_wise(pa.scalar(prefix), text, "")


def _choose(numbers: np.ndarray[Any, Any], values: list[str]) -> pa.Array:
    return pa.array(values).take(pa.array(numbers % len(values)))


def _loans(start: int, count: int, commune: str) -> pa.Table:
    n = np.arange(start, start + count)
    balance = 20_000_000 + (n * 7919) % 30_000_000
    constant = {
        "commune_code": commune, "method": "entrusted", "disbursed_on": "2022-03-01", "maturity_on": "2032-03-01", "rate_pct": "6.6",
        "overdue_rate_pct": "8.58", "approved_vnd": "50000000", "disbursed_vnd": "50000000", "overdue_vnd": "0", "frozen_vnd": "0",
        "interest_due_vnd": "100000", "interest_overdue_vnd": "0", "is_restructured": "0",
    }  # fmt: skip
    made = {
        "contract_no": _numbered("K", n), "customer_id": _numbered("C", n), "office_code": _choose(n, ["960001", "960002"]),
        "group_code": _choose(n, ["G961", "G962"]), "organisation_code": _choose(n, ["PN", "ND"]),
        "programme_code": _choose(n, ["1", "19", "9", "6"]), "source_code": _choose(n // 5, ["TW", "TW", "TW", "DP_PROVINCE"]),
        "in_term_vnd": pa.array(balance),
    }  # fmt: skip
    return _assemble("loan_book", count, constant, made)


def _customers(start: int, count: int, commune: str) -> pa.Table:
    n = np.arange(start, start + count)
    constant = {"birth_date": "1980-02-03", "sex": "F", "commune_code": commune, "beneficiary_class": "poor", "residence": "present",
                "changed_at": "2023-01-05T08:00:00+07:00"}  # fmt: skip
    made = {"customer_id": _numbered("C", n), "office_code": _choose(n, ["960001", "960002"]), "full_name": _numbered("Nguyễn Thị ", n),
            "group_code": _choose(n, ["G961", "G962"]), "national_id": _numbered("096", n), "phone": _numbered("0", n)}  # fmt: skip
    return _assemble("customers", count, constant, made)


def _assemble(name: str, count: int, constant: dict[str, str], made: dict[str, pa.Array]) -> pa.Table:
    columns = COLUMNS[name].split()
    empty = pa.nulls(count, pa.string())
    return pa.table(
        {c: made[c] if c in made else pa.repeat(constant[c], count) if c in constant else empty for c in columns}
    )


def _write(
    folder: Path, name: str, tables: Any, level: int, groups: dict[tuple[str, str], int] | None
) -> dict[str, Any]:
    path = folder / f"{name}.csv.gz"
    totals, rows, checksum = dict.fromkeys(MONEY.get(name, []), 0), 0, 0
    with path.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=level, mtime=0) as file:
        file.write((",".join(COLUMNS[name].split()) + "\n").encode())
        for table in tables:
            rows += table.num_rows
            for column in totals:
                totals[column] += pc.sum(pc.fill_null(table[column].cast(pa.int64()), 0)).as_py() or 0
            parts = [table[key].cast(pa.string()) for key in KEYS[name]]
            joined = pc.binary_join_element_wise(*parts, "|") if len(parts) > 1 else parts[0]
            checksum += sum(map(zlib.crc32, joined.cast(pa.binary()).to_pylist()))
            if groups is not None:
                for row in (
                    table.group_by(["office_code", "programme_code"]).aggregate([("in_term_vnd", "sum")]).to_pylist()
                ):
                    place = (row["office_code"], row["programme_code"])
                    groups[place] = groups.get(place, 0) + row["in_term_vnd_sum"]
            pa_csv.write_csv(table, file, pa_csv.WriteOptions(include_header=False, quoting_style=QUOTING))
    with path.open("rb") as stored:
        digest = hashlib.file_digest(stored, "sha256").hexdigest()
    return {
        "name": name, "path": path.name, "format": "csv", "encoding": "utf-8", "compression": "gz", "bytes": path.stat().st_size,
        "hash": f"sha256:{digest}", "rowCount": rows, "controlTotals": totals, "keyChecksum": checksum,
    }  # fmt: skip
