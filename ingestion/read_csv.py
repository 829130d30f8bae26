"""Read one CSV file: its encoding, its header and its rows, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import pyarrow as pa

from contract.findings import finding, findings_table
from contract.model import Dataset
from ingestion.blocks import Block, check_block, report
from ingestion.csv_blocks import BOM, Decoder, find_codec, iter_raw_blocks
from ingestion.csv_header import Header, read_header
from ingestion.csv_parse import parse_records
from ingestion.csv_records import Positions, split_records
from ingestion.dialect import CsvDialect


class CsvReader:
    """One pass over one CSV file."""

    def __init__(self, dataset: Dataset, encoding: str, dialect: CsvDialect) -> None:
        self._dataset = dataset
        self._encoding = encoding
        self._dialect = dialect
        self._next_row = 1

    def read(self, stream: IO[bytes], block_bytes: int) -> Iterator[Block]:
        """Yield the blocks of the file; stop where nothing after can be told apart."""
        codec = find_codec(self._encoding)
        if codec is None:
            message = f"The encoding {self._encoding!r} is not one of utf-8, utf-8-sig, windows-1258: use one of these."
            yield self._report("encoding-error", message)
            return
        decoder = Decoder(codec)
        header: Header | None = None
        for raw in iter_raw_blocks(stream, self._dialect, block_bytes):
            data = raw.data
            if header is None and codec == "utf-8" and data.startswith(BOM):
                data = data.removeprefix(BOM)
                if not self._encoding.lower().endswith("sig"):
                    message = "The file begins with a byte order mark: remove it, or declare utf-8-sig."
                    yield self._report("encoding-error", message)
            data, undecoded = decoder.decode(data)
            if header is None:
                lines = data.count(b"\n")
                header, data = read_header(data, self._dataset, self._dialect)
                undecoded = undecoded - (lines - data.count(b"\n"))
                if len(undecoded) and undecoded[0] < 0:
                    yield self._report("encoding-error", f"The header row is not in {self._encoding}: write it so.")
                    return
                yield report(self._dataset, header.findings)
                if not header.is_usable:
                    return
            yield self._read_block(data, undecoded, header, raw.is_broken)
        if header is None and self._dialect.has_header:
            yield self._report("source-error", "The file is empty: write the header row, even where there is no row.")
        if decoder.is_probably_utf8:
            message = f"The file is declared as {self._encoding} but its bytes are UTF-8: declare utf-8."
            yield self._report("encoding-error", message)

    def _report(self, rule: str, message: str) -> Block:
        return report(self._dataset, finding(self._dataset.name, rule, message), self._next_row)

    def _read_block(self, data: bytes, undecoded: Positions, header: Header, is_broken: bool) -> Block:
        dataset, first_row = self._dataset, self._next_row
        records = split_records(data, self._dialect, undecoded, is_broken=is_broken)
        set_aside = [
            findings_table(dataset.name, problem.rule, problem.message, rows=pa.array(problem.records + first_row))
            for problem in records.problems
        ]
        table, rows, ragged = parse_records(records, header.labels, dataset, self._dialect, first_row)
        self._next_row += records.count
        return check_block(
            table,
            dataset,
            rows,
            first_row=first_row,
            row_count=records.count,
            findings=[*set_aside, *ragged],
            reports_form=self._encoding.lower().startswith("utf"),
        )
