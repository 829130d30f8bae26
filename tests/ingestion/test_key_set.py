"""A set of key hashes says what Python's own sets and counters say, whether it fits in memory or not."""

from __future__ import annotations

from collections import Counter
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion import key_set
from ingestion.key_set import KeySet

BIGINT = np.iinfo(np.int64)
HASHES = st.one_of(
    st.integers(-3, 3),
    st.sampled_from(
        [BIGINT.min, BIGINT.max, *(int(edge) + more for edge in key_set.EDGES[::9] for more in (-1, 0, 1))]
    ),
    st.integers(BIGINT.min, BIGINT.max),
)
BLOCKS = st.lists(st.lists(HASHES, max_size=6), max_size=6)
RUNS = st.sampled_from([1, 3, 7, key_set.RUN])


def set_of(blocks: list[list[int]]) -> KeySet:
    keys = KeySet()
    for block in blocks:
        keys.add(np.array(block, np.int64))
    return keys


@settings(deadline=None)
@given(BLOCKS, RUNS)
def test_hashes_that_occur_more_than_once_are_found(blocks: list[list[int]], run: int) -> None:
    with patch.object(key_set, "RUN", run):
        keys = set_of(blocks)
    counts = Counter(value for block in blocks for value in block)
    doubled = sorted(value for value, count in counts.items() if count > 1)
    assert keys.find_doubled().tolist() == doubled
    assert keys.find_doubled().tolist() == doubled, "asked again"


@settings(deadline=None)
@given(BLOCKS, BLOCKS, RUNS, RUNS, st.booleans())
def test_a_set_has_all_values_where_python_says_so(
    blocks: list[list[int]], values: list[list[int]], run: int, other_run: int, are_taken_from_it: bool
) -> None:
    if are_taken_from_it:
        values = [block[::2] for block in blocks]
    with patch.object(key_set, "RUN", run):
        keys = set_of(blocks)
    with patch.object(key_set, "RUN", other_run):
        taken = set_of(values)
    assert keys.has_all(taken) == ({v for block in values for v in block} <= {v for block in blocks for v in block})


def test_no_more_than_a_run_of_hashes_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_set, "RUN", 1000)
    keys = KeySet()
    for start in range(0, 10_000, 300):
        keys.add(np.arange(start, start + 300))
        assert sum(map(len, keys._waiting)) < 1000
    assert not len(keys.find_doubled())
