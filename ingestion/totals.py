"""What a dataset adds up to, gathered block by block while it is read: the manifest's control figures and the keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contract.findings import findings_table
from contract.model import BIGINT_MAX, BIGINT_MIN, Dataset
from ingestion.key_hashes import Hashes, hash_keys, sum_crc32
from ingestion.key_set import KeySet

if TYPE_CHECKING:
    from ingestion.read import Block

HALF = 32
KEY_SCHEMA = pa.schema([("key", pa.binary()), ("row", pa.int64())])
MANY_DOUBLES = 250_000


class Totals:
    """Row count, control totals in đồng, key checksum, and `keys`: a hash of every key.

    `row_count` counts every data row, also those that could not be read. The other figures are those of the rows that
    could: where a block has errors the delivery is held, and they only serve to be shown.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.row_count = 0
        self.control_totals: dict[str, int] = {column.name: 0 for column in dataset.vnd_columns}
        self.key_checksum = 0
        self.keys = KeySet()

    def add(self, block: Block) -> None:
        """Count a block in."""
        self.row_count += block.row_count
        for name in self.control_totals:
            self.control_totals[name] += sum_vnd(block.table[name])
        if self.dataset.key:
            keys = join_keys(block.table, self.dataset)
            self.key_checksum += sum_crc32(keys)
            self.keys.add(hash_keys(keys))


def sum_vnd(values: pa.ChunkedArray) -> int:
    """Return the exact sum in đồng; null counts as 0, and so does what is no bigint."""
    try:
        numbers = values.cast(pa.int64())
    except pa.ArrowInvalid:
        is_number = pc.match_substring_regex(values, "^-?[0-9]{1,18}$")
        numbers = values.filter(is_number, null_selection_behavior="drop").cast(pa.int64())
    limits = pc.min_max(numbers)
    low, high = limits["min"].as_py() or 0, limits["max"].as_py() or 0
    if max(-low, high) * len(numbers) < 2**63:
        return pc.sum(numbers).as_py() or 0
    whole = numbers.drop_null().to_numpy()
    return (int((whole >> HALF).sum()) << HALF) + int((whole & (2**HALF - 1)).sum())


def fits_bigint(total: int) -> bool:
    """Return whether a sum of đồng fits PostgreSQL's bigint."""
    return BIGINT_MIN <= total <= BIGINT_MAX


def join_keys(table: pa.Table, dataset: Dataset) -> pa.Array:
    """Return the key columns of each row as bytes, joined by `|`; an absent part of a key is empty."""
    parts = [table[name] for name in dataset.key]
    joined = parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, "|", null_handling="replace")
    return pc.fill_null(joined, "").cast(pa.binary()).combine_chunks()


def find_duplicate_keys(blocks: Iterable[Block], dataset: Dataset, suspects: Hashes) -> Iterator[pa.Table]:
    """Yield a `primary-key` finding for every row whose key another row has too.

    `blocks` are read a second time for the `suspects`, hashes that occurred more than once; only their rows are kept, to
    tell true doubles from keys of one hash (once in 2^64). Past `MANY_DOUBLES` rows that is left off, so that memory stays bounded:
    a wrong finding is then possible, once in 10^12 such files.
    """
    kept: list[pa.Table] = [KEY_SCHEMA.empty_table()]
    count, compares = 0, True
    for block in blocks if len(suspects) else ():
        found = _find_suspect_rows(block, dataset, suspects)
        count += found.num_rows
        if compares and count > MANY_DOUBLES:
            compares = False
            yield from (_doubled_findings(table, dataset) for table in kept)
            kept.clear()
        if compares:
            kept.append(found)
        else:
            yield _doubled_findings(found, dataset)
    if compares:
        table = pa.concat_tables(kept)
        counts = table.group_by("key").aggregate([("row", "count")])
        doubled = counts.filter(pc.greater(counts["row_count"], 1))["key"]
        yield _doubled_findings(table.filter(pc.is_in(table["key"], value_set=doubled.combine_chunks())), dataset)


def _find_suspect_rows(block: Block, dataset: Dataset, suspects: Hashes) -> pa.Table:
    keys = join_keys(block.table, dataset)
    hashes = hash_keys(keys)
    place = np.minimum(np.searchsorted(suspects, hashes), len(suspects) - 1)
    is_suspect = suspects[place] == hashes
    return pa.table([keys, pa.array(block.row_numbers)], schema=KEY_SCHEMA).filter(pa.array(is_suspect))


def _doubled_findings(rows: pa.Table, dataset: Dataset) -> pa.Table:
    return findings_table(
        dataset.name,
        "primary-key",
        "Another row has the same key: send each key once.",
        rows=rows["row"],
        column=", ".join(dataset.key),
        values=rows["key"].cast(pa.string()),
        is_pii=any(dataset.column(name).is_pii for name in dataset.key),
        beside_pii=bool(dataset.pii_columns),
    )
