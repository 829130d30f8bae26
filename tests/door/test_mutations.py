"""A smaller share of the random mutations that `benchmarks/mutations.py` runs by the thousand."""

from __future__ import annotations

import pytest

from benchmarks.mutations import run_share
from tests.door.door import Door

COUNT, SEED = 60, 20260101


@pytest.mark.parametrize("branch", ["96", "01"])
def test_a_mutated_delivery_is_equal_in_content_or_not_published(door: Door, branch: str) -> None:
    share = run_share(door.warehouse, branch, COUNT, SEED, skips_decided=False)
    assert share.published_otherwise == []
    assert sum(share.counts.values()) == COUNT
