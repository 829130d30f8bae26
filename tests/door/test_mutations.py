"""A small share of the random mutations that `benchmarks/mutations.py` runs by the thousand."""

from __future__ import annotations

import pytest

from benchmarks.mutation_share import run_share
from ingestion import load, receive
from tests.door.door import Door

COUNT, SEED = 30, 20260101


def test_a_mutated_delivery_is_equal_in_content_or_not_published(door: Door) -> None:
    share = run_share(door.warehouse, "96", COUNT, SEED)
    assert share.wrong == []
    assert share.counts.total() == COUNT


def test_a_door_that_does_not_compare_the_control_figures_is_found_out(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load.Reading, "compare", lambda reading: reading.save(reading.pending))
    share = run_share(door.warehouse, "92", COUNT, SEED)
    assert any("published_with_warnings with other rows" in line for line in share.wrong)


def test_a_door_that_takes_every_content_for_a_repeat_is_found_out(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive, "delivery_content_sha256", lambda *_: "0" * 64)
    share = run_share(door.warehouse, "91", COUNT, SEED)
    assert any("with other content" in line for line in share.wrong)
