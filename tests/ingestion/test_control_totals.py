"""What a file adds up to is compared with its manifest, and is itself an amount in đồng: it fits a bigint."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from contract.findings import join_findings
from contract.model import Column, ColumnType, Dataset
from ingestion.descriptor import Resource
from ingestion.reading import Reading
from ingestion.references import Watch
from ingestion.store import Store

MONEY = Dataset(
    name="money",
    kind="full",
    is_large=False,
    description="A key and three amounts.",
    columns=(
        Column("id", ColumnType.CODE, "", is_key=True, max_length=24),
        Column("paid_vnd", ColumnType.VND, "", nullable=True, minimum=0),
        Column("owed_vnd", ColumnType.VND, "", nullable=True, minimum=0),
        Column("moved_vnd", ColumnType.VND, "", nullable=True, is_signed=True),
    ),
)
HALF = 2**62
Find = Callable[..., list[tuple[str, str | None, str | None]]]


@pytest.fixture
def find(tmp_path: Path) -> Find:
    """Store rows of three amounts, read them under the right figures or those given, and return what is found."""

    def find(*rows: tuple[int, int, int], **declared: int) -> list[tuple[str, str | None, str | None]]:
        content = "id,paid_vnd,owed_vnd,moved_vnd\n" + "".join(
            f"A{n},{a},{b},{c}\n" for n, (a, b, c) in enumerate(rows)
        )
        sha256 = hashlib.sha256(content.encode()).hexdigest()
        store = Store(tmp_path)
        path = store.path(sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        names = ("paid_vnd", "owed_vnd", "moved_vnd")
        totals = {name: sum(row[place] for row in rows) for place, name in enumerate(names)} | declared
        checksum = sum(zlib.crc32(f"A{n}".encode()) for n in range(len(rows)))
        resource = Resource(
            "money", "money.csv", "csv", "utf-8", None, None, len(content), sha256, len(rows), totals, checksum
        )  # fmt: skip
        saved: list[pa.Table] = []
        reading = Reading(store, MONEY, resource, saved.append, Watch({}))
        for _ in reading.blocks():
            pass
        reading.compare()
        findings: list[dict[str, Any]] = join_findings(saved).to_pylist()
        assert all(str(f["value"]) in f["message"] for f in findings)
        return [(f["rule"], f["column"], f["value"]) for f in findings]

    return find


def test_sum_that_a_bigint_just_holds_is_an_amount(find: Find) -> None:
    assert find((HALF, 0, 0), (HALF - 1, 0, 0)) == []
    assert find((0, 0, -HALF), (0, 0, -HALF)) == []
    assert find((HALF, HALF - 1, 0)) == []


def test_column_that_sums_to_more_or_less_than_a_bigint_holds_is_named_with_its_sum(find: Find) -> None:
    assert find((HALF, 0, 0), (HALF, 0, 0)) == [("control-total", "paid_vnd", str(2**63))]
    assert find((0, 0, -HALF), (0, 0, -HALF - 1)) == [("control-total", "moved_vnd", str(-(2**63) - 1))]


def test_columns_that_sum_to_more_than_a_bigint_holds_together_are_named_as_one(find: Find) -> None:
    assert find((HALF, HALF, 0)) == [("control-total", None, str(2**63))]


def test_sum_beyond_a_bigint_is_said_once_whatever_the_manifest_says(find: Find) -> None:
    assert find((HALF, 0, 0), (HALF, 7, 0), paid_vnd=5, owed_vnd=8) == [
        ("control-total", "paid_vnd", str(2**63)),
        ("control-total", "owed_vnd", "7"),
    ]
