"""placeholder"""
from __future__ import annotations
from collections.abc import Iterator, Mapping
from typing import IO, Any
from contract.findings import finding
from contract.model import Dataset
from ingestion.blocks import Block, report


def read_xlsx(stream: IO[bytes], dataset: Dataset, dialect: Mapping[str, Any] | None) -> Iterator[Block]:
    yield report(dataset, finding(dataset.name, "format-error", "XLSX is not read yet."))
