"""References that are seen to hold while the files of a delivery are read, so that no join has to look for what they miss.

Datasets are read in the contract's order: what a reference points to has mostly been read before, and of each of its keys
a hash of 8 bytes is at hand (`Totals`). Each value is looked up there. A value that is missing all the same is then only
overlooked where its hash is that of a key: once in 10^12 files. Nothing is said of a reference that is not seen to hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from contract.model import Column, Dataset, Reference, load_datasets
from ingestion.key_hashes import Hashes, hash_keys
from ingestion.key_set import KeySet
from warehouse.connect import Connection

if TYPE_CHECKING:
    from ingestion.read import Block


class KnownKeys:
    """The keys that datasets still to come may refer to: those of datasets before, and those of the bank's lists."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._keys: dict[tuple[str, ...], KeySet] = {}

    def learn(self, dataset: Dataset, keys: KeySet) -> None:
        """Note all keys of a dataset that was read without an error."""
        place = (dataset.name, *dataset.key)
        if place in _referred_places():
            self._keys[place] = keys

    def watch(self, dataset: Dataset) -> Watch:
        """Return a watch over those references of a dataset, about to be read, that can be seen to hold."""
        found = {column.name: self._find(reference) for column, reference in find_references(dataset)}
        return Watch({name: keys for name, keys in found.items() if keys is not None})

    def _find(self, reference: Reference) -> KeySet | None:
        place = (reference.dataset, reference.column)
        if reference.dataset not in load_datasets() and place not in self._keys:
            statement = sql.SQL("select {} from {}").format(
                sql.Identifier(reference.column), sql.Identifier("meta", reference.dataset)
            )
            values = [value for (value,) in self._connection.execute(statement)]
            self._keys[place] = KeySet()
            self._keys[place].add(_hash(pa.array(values, pa.string())))
        return self._keys.get(place)


class Watch:
    """The references of one dataset; `known` are the keys referred to, by column."""

    def __init__(self, known: dict[str, KeySet]) -> None:
        self._known = known
        self._values = {name: KeySet() for name in known}

    def add(self, block: Block) -> None:
        """Take the values of a block."""
        for name, values in self._values.items():
            values.add(_hash(pc.unique(block.table[name]).drop_null()))

    def find_holding(self) -> list[str]:
        """Look up all values taken, and return the names of the columns whose references hold."""
        return [name for name, keys in self._known.items() if keys.has_all(self._values[name])]


def find_references(dataset: Dataset) -> Iterator[tuple[Column, Reference]]:
    """Yield the references of a dataset that hold the delivery where they are broken (contract section 5, rule 1)."""
    for column in dataset.columns:
        if column.reference is not None and column.reference.is_blocking:
            yield column, column.reference


def _referred_places() -> set[tuple[str, ...]]:
    references = (reference for dataset in load_datasets().values() for _, reference in find_references(dataset))
    return {(reference.dataset, reference.column) for reference in references}


def _hash(values: pa.Array) -> Hashes:
    return hash_keys(values.cast(pa.binary()))
