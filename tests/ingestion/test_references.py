"""A reference is said to hold only if every value in every block of its column is a key."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.findings import no_findings
from ingestion.key_hashes import hash_keys
from ingestion.key_set import KeySet
from ingestion.read import Block
from ingestion.references import Watch

VALUES = st.sampled_from(["1", "2", "01", "a", "A", "1" * 24, "2" * 24, "12"])


def block_of(values: list[str | None]) -> Block:
    table = pa.table({"code": pa.array(values, pa.string())})
    return Block(table, 1, len(values), np.arange(len(values)), no_findings())


@settings(deadline=None)
@given(st.sets(VALUES), st.lists(st.lists(st.one_of(st.none(), VALUES), max_size=5), max_size=4))
def test_a_reference_holds_where_every_value_is_a_key(keys: set[str], blocks: list[list[str | None]]) -> None:
    known = KeySet()
    known.add(hash_keys(pa.array(list(keys), pa.binary())))
    watch = Watch({"code": known})
    for values in blocks:
        watch.add(block_of(values))
    missing = {value for values in blocks for value in values} - keys - {None}
    assert watch.find_holding() == ([] if missing else ["code"])
