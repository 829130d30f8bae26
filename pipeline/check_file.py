"""One tabular file against one contract: what was read, exactly, or findings that say why not. Needs no database."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from contract.errors import DamagedInputError, UnsafeInputError
from contract.findings import finding, has_errors, join_findings
from contract.model import Dataset
from ingestion.read import Block, read_blocks, report
from ingestion.streams import open_stream
from ingestion.totals import Totals, find_duplicate_keys

FORMS: Mapping[str, tuple[str, str | None]] = {
    ".csv": ("csv", None),
    ".csv.gz": ("csv", "gz"),
    ".parquet": ("parquet", None),
    ".xlsx": ("xlsx", None),
}
"""Format and compression by the end of the file's name."""


@dataclass(frozen=True)
class FileReading:
    """All findings of a file (FINDING_SCHEMA) and its number of data rows."""

    findings: pa.Table
    row_count: int

    @property
    def is_good(self) -> bool:
        """Whether the file was read exactly."""
        return not has_errors(self.findings)


def find_form(name: str) -> tuple[str, str | None] | None:
    """Return format and compression of a file by its name, None where the name does not say."""
    return next((form for end, form in FORMS.items() if name.lower().endswith(end)), None)


def check_file(
    path: Path, dataset: Dataset, *, encoding: str = "utf-8", dialect: Mapping[str, Any] | None = None, out: Path | None
) -> FileReading:
    """Read the file at `path` as `dataset` says. Where it holds, `out` gets the rows as plain CSV: UTF-8, the header in
    the contract's order, LF, null as an empty field. Where it does not, `out` is not touched. Raises ValueError where
    the name does not say the format.
    """
    form = find_form(path.name)
    if form is None:
        raise ValueError(f"{path.name} ends in none of {', '.join(FORMS)}")
    found, totals = [], Totals(dataset)
    with _Target(out, dataset) as target:
        for block in _blocks(path, dataset, form, encoding, dialect):
            totals.add(block)
            found.append(block.findings)
            target.write(block)
        suspects = totals.keys.find_doubled()
        if suspects.size:
            found += find_duplicate_keys(_blocks(path, dataset, form, encoding, dialect), dataset, suspects)
        reading = FileReading(join_findings(found), totals.row_count)
        target.finish(is_good=reading.is_good)
    return reading


class _Target:
    """The file written for `--out`, whole or not at all; without a path, nothing."""

    def __init__(self, path: Path | None, dataset: Dataset) -> None:
        self.path, self.dataset = path, dataset

    def __enter__(self) -> _Target:
        if self.path:
            handle, self.aside = tempfile.mkstemp(prefix=f".{self.path.name}-", dir=self.path.parent)
            self.file = os.fdopen(handle, "w", encoding="utf-8", newline="")
            self.writer = csv.writer(self.file, lineterminator="\n")
            self.writer.writerow(self.dataset.column_names)
        return self

    def write(self, block: Block) -> None:
        """Add the rows of a block; one with errors is not written, for the file will not be kept."""
        if self.path and not block.has_errors:
            self.writer.writerows(zip(*(column.to_pylist() for column in block.table.columns), strict=True))

    def finish(self, *, is_good: bool) -> None:
        """Put the file in its place if all of it was read."""
        if self.path and is_good:
            self.file.close()
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(self.aside, 0o666 & ~mask)
            os.replace(self.aside, self.path)

    def __exit__(self, *_: object) -> None:
        if self.path:
            self.file.close()
            with suppress(FileNotFoundError):
                os.unlink(self.aside)


def _blocks(
    path: Path, dataset: Dataset, form: tuple[str, str | None], encoding: str, dialect: Mapping[str, Any] | None
) -> Iterator[Block]:
    kind, compression = form
    try:
        with open_stream(path, compression) as stream:
            yield from read_blocks(stream, dataset, format=kind, encoding=encoding, dialect=dialect)
    except (UnsafeInputError, DamagedInputError) as error:
        yield report(dataset, finding(dataset.name, "compression-error", f"{error.problem}. {error.remedy}"))
