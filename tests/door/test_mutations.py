"""A small share of the random mutations that `benchmarks/mutations.py` runs by the thousand."""

from __future__ import annotations

from benchmarks.mutations import run_share
from tests.door.door import Door

COUNT, SEED = 30, 20260101


def test_a_mutated_delivery_is_equal_in_content_or_not_published(door: Door) -> None:
    share = run_share(door.warehouse, "96", COUNT, SEED)
    assert share.published_otherwise == []
    assert sum(share.counts.values()) == COUNT
