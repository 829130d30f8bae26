"""Helpers for the tests of the reader: a small dataset of every type, and what came out of a file as plain Python."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contract.findings import join_findings
from contract.model import Column, ColumnType, Dataset
from ingestion.read import Block, read_blocks
from ingestion.totals import Totals

THINGS = Dataset(
    name="things",
    kind="full",
    is_large=False,
    description="One column of each type.",
    columns=(
        Column("id", ColumnType.CODE, "", is_key=True, min_length=1, max_length=24),
        Column("code", ColumnType.CODE, "", nullable=True, min_length=1, max_length=24),
        Column("note", ColumnType.TEXT, "", nullable=True, max_length=500),
        Column("name", ColumnType.TEXT, "", is_pii=True, max_length=500),
        Column("word", ColumnType.ENUM, "", values=("open", "closed")),
        Column("day", ColumnType.DATE, "", nullable=True),
        Column("month", ColumnType.MONTH, "", nullable=True),
        Column("at", ColumnType.TIMESTAMP, "", nullable=True),
        Column("paid_vnd", ColumnType.VND, "", minimum=0),
        Column("moved_vnd", ColumnType.VND, "", nullable=True, is_signed=True),
        Column("rate_pct", ColumnType.RATE, "", nullable=True, minimum=0),
        Column("target", ColumnType.DECIMAL, "", nullable=True),
        Column("members", ColumnType.INT, "", nullable=True, minimum=0),
        Column("day_of_month", ColumnType.INT, "", nullable=True, minimum=1, maximum=31),
        Column("is_good", ColumnType.FLAG, "", nullable=True),
    ),
)
GOOD = {
    "id": "A1", "code": "007", "note": "Tổ 1", "name": "Lê Thị Én", "word": "open", "day": "2024-02-29",
    "month": "2024-02", "at": "2024-02-29T23:59:59+07:00", "paid_vnd": "1500000", "moved_vnd": "-5", "rate_pct": "6.6",
    "target": "-0.5", "members": "0", "day_of_month": "31", "is_good": "1",
}  # fmt: skip
NAMES = list(THINGS.column_names)


@dataclass
class Reading:
    """All that was read: rows as lists of text, findings as dicts, and the totals."""

    rows: list[list[str | None]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    totals: Totals = field(default_factory=lambda: Totals(THINGS))
    blocks: list[Block] = field(default_factory=list)

    @property
    def errors(self) -> list[tuple[int | None, str | None, str]]:
        return [(f["row"], f["column"], f["rule"]) for f in self.findings if f["severity"] == "error"]

    @property
    def warnings(self) -> list[tuple[int | None, str | None, str]]:
        return [(f["row"], f["column"], f["rule"]) for f in self.findings if f["severity"] == "warning"]


def read(data: bytes, dataset: Dataset = THINGS, **options: Any) -> Reading:
    reading = Reading(totals=Totals(dataset))
    for block in read_blocks(io.BytesIO(data), dataset, **options):
        reading.blocks.append(block)
        reading.totals.add(block)
        reading.rows += [list(row.values()) for row in block.table.to_pylist()]
    reading.findings = join_findings([block.findings for block in reading.blocks]).to_pylist()
    return reading


def row_of(cells: Mapping[str, str] | None = None, *, end: str = "\n") -> str:
    """Return one CSV line: the good row with `cells` in place of its own, each as it would stand in the file."""
    return ",".join({**GOOD, **(cells or {})}.values()) + end


def file_of(*lines: str, header: str | None = None, end: str = "\n", encoding: str = "utf-8") -> bytes:
    return ((",".join(NAMES) if header is None else header) + end + "".join(lines)).encode(encoding)
