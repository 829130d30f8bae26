"""References that are seen to hold while the files of a delivery are read, so that no join has to look for what they miss.

Datasets are read in the contract's order: what a reference points to has mostly been read before, and of each of its keys
a hash of 8 bytes is at hand (`Totals`). Each value is looked up there. A value that is missing all the same is then only
overlooked where its hash is that of a key: once in 10^12 files. Nothing is said of a reference that is not seen to hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from psycopg import sql

from contract.model import Column, Dataset, Reference, load_datasets
from ingestion.key_hashes import Hashes, hash_keys
from warehouse.connect import Connection

if TYPE_CHECKING:
    from ingestion.read import Block


ROWS_AT_ONCE = 250_000
"""Looked up in one go: half the time of block by block, 2 MB a reference."""


class KnownKeys:
    """The keys that datasets still to come may refer to: those of datasets before, and those of the bank's lists."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._hashes: dict[tuple[str, ...], Hashes] = {}

    def learn(self, dataset: Dataset, hashes: Hashes) -> None:
        """Note the sorted hashes of all keys of a dataset that was read without an error."""
        place = (dataset.name, *dataset.key)
        if place in _referred_places():
            self._hashes[place] = hashes

    def watch(self, dataset: Dataset) -> Watch:
        """Return a watch over those references of a dataset, about to be read, that can be seen to hold."""
        found = {column.name: self._find(reference) for column, reference in find_references(dataset)}
        return Watch({name: hashes for name, hashes in found.items() if hashes is not None})

    def _find(self, reference: Reference) -> Hashes | None:
        place = (reference.dataset, reference.column)
        if reference.dataset not in load_datasets() and place not in self._hashes:
            statement = sql.SQL("select {} from {}").format(
                sql.Identifier(reference.column), sql.Identifier("meta", reference.dataset)
            )
            values = [value for (value,) in self._connection.execute(statement)]
            self._hashes[place] = np.sort(hash_keys(pa.array(values, pa.string()).cast(pa.binary())))
        return self._hashes.get(place)


class Watch:
    """The references of one dataset that hold in all blocks so far; `known` are the hashes referred to, by column."""

    def __init__(self, known: dict[str, Hashes]) -> None:
        self._known = known
        self._waiting: dict[str, list[Hashes]] = {name: [] for name in known}
        self._rows = 0

    def add(self, block: Block) -> None:
        """Take the values of a block."""
        for name in self._known:
            self._waiting[name].append(hash_keys(block.table[name].drop_null().cast(pa.binary()).combine_chunks()))
        self._rows += block.table.num_rows
        if self._rows >= ROWS_AT_ONCE:
            self.find_holding()

    def find_holding(self) -> list[str]:
        """Look up all values taken, and return the names of the columns whose references hold."""
        self._known = {name: keys for name, keys in self._known.items() if _are_known(self._waiting[name], keys)}
        self._waiting, self._rows = {name: [] for name in self._known}, 0
        return list(self._known)


def find_references(dataset: Dataset) -> Iterator[tuple[Column, Reference]]:
    """Yield the references of a dataset that hold the delivery where they are broken (contract section 5, rule 1)."""
    for column in dataset.columns:
        if column.reference is not None and column.reference.is_blocking:
            yield column, column.reference


def _referred_places() -> set[tuple[str, ...]]:
    references = (reference for dataset in load_datasets().values() for _, reference in find_references(dataset))
    return {(reference.dataset, reference.column) for reference in references}


def _are_known(taken: list[Hashes], keys: Hashes) -> bool:
    hashes = np.concatenate([np.empty(0, np.int64), *taken])
    if not len(hashes) or not len(keys):
        return not len(hashes)
    # In order they are found side by side, in memory that is still in the cache.
    hashes.sort()
    return bool((keys.take(np.searchsorted(keys, hashes), mode="clip") == hashes).all())
