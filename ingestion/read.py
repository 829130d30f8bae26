"""The strict reader: what a branch wrote, exactly, or findings that say why not.

`read_blocks` yields tables of text in the contract's column order, checked so that PostgreSQL casts each value to its
column's SQL type without changing it. It never raises for what is wrong in a file: it reports every offending row, and
goes on wherever the bytes after it can still be told apart. Memory does not grow with the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import IO, Any

from contract.errors import DamagedInputError, DialectError
from contract.findings import finding
from contract.model import Dataset
from ingestion.blocks import Block, report
from ingestion.dialect import parse_dialect
from ingestion.read_csv import CsvReader
from ingestion.read_parquet import read_parquet
from ingestion.read_xlsx import read_xlsx

__all__ = ["BLOCK_BYTES", "Block", "read_blocks", "report"]

BLOCK_BYTES = 2 << 20


def read_blocks(
    stream: IO[bytes],
    dataset: Dataset,
    *,
    format: str = "csv",
    encoding: str = "utf-8",
    dialect: Mapping[str, Any] | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[Block]:
    """Yield the rows of `stream`, the uncompressed bytes of one file of `dataset`, block by block.

    Findings that concern the whole file come with a block without rows. Errors: UnsafeInputError (an archive bomb);
    OSError of the stream.
    """
    try:
        match format:
            case "csv":
                yield from CsvReader(dataset, encoding, parse_dialect(dialect)).read(stream, block_bytes)
            case "parquet":
                yield from read_parquet(stream, dataset, dialect)
            case "xlsx":
                yield from read_xlsx(stream, dataset, dialect)
            case _:
                message = f"The format {format!r} is not one of csv, parquet, xlsx: send the file as one of these."
                yield report(dataset, finding(dataset.name, "format-error", message))
    except DialectError as error:
        yield report(dataset, finding(dataset.name, "dialect-error", str(error)))
    except DamagedInputError as error:
        yield report(dataset, finding(dataset.name, error.rule, str(error)))
