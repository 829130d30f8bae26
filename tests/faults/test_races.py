"""Eight processes race for one branch and date, while a reader must only ever see legal states."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from ingestion.retire import retire_rows
from tests.faults.conftest import BRANCH, Scene, read_entries, require_laws, require_no_leftovers
from tests.faults.nights import running
from tests.faults.reader import ConstantReader
from tests.faults.waiting import wait_until
from tests.faults.witness import Content, read_content
from tests.support.deliveries import Delivery, first_delivery, repay
from tests.support.warehouses import run_short_night, without_great_expectations
from warehouse.connect import Warehouse

RACERS = 8


def race(warehouses: Sequence[Warehouse], gate: Path) -> list[int]:
    """Let a night begin on each at the same moment; return their exit codes."""
    gate.mkdir()
    with ExitStack() as stack:
        nights = [stack.enter_context(running(one, {"NIGHT_GATE": str(gate)})) for one in warehouses]
        wait_until(
            lambda: len(list(gate.glob("ready-*"))) == len(nights),
            lambda: any(night.poll() is not None for night in nights),
        )
        (gate / "go").touch()
        return [night.wait(300) for night in nights]


def test_eight_nights_at_once_are_one_night(scene: Scene, disturbed: Warehouse, tmp_path: Path) -> None:
    with ConstantReader(disturbed) as reader:
        assert race([disturbed] * RACERS, tmp_path / "gate") == [0] * RACERS
        reader.wait_for(scene.after)
    assert reader.states() == [scene.before, scene.after]
    require_laws(disturbed)
    assert read_entries(disturbed) == scene.entries_after
    require_no_leftovers(disturbed)


def with_landings(warehouse: Warehouse, deliveries: Sequence[Delivery], folder: Path) -> list[Warehouse]:
    """The same warehouse as seen by processes that look at different landings, one delivery in each."""
    seen = []
    for number, delivery in enumerate(deliveries):
        landing = folder / f"landing-{number}"
        delivery.write(landing)
        seen.append(replace(warehouse, settings=replace(warehouse.settings, landing=str(landing))))
    return seen


def different_deliveries(revisions: Sequence[int]) -> list[Delivery]:
    """Deliveries of one branch and date with different contents, all publishable, under these numbers."""
    before = repay(first_delivery(BRANCH).next("2025-09-29"), 1, 1_000_000)
    found = []
    for number, revision in enumerate(revisions, 1):
        delivery = repay(before.next("2025-09-30"), 1 + number % 6, 1000 * number)
        delivery.revision, delivery.supersedes = revision, None if revision == 1 else "0" * 64
        found.append(delivery)
    return found


def run_again(warehouses: Sequence[Warehouse]) -> None:
    with without_great_expectations():
        for warehouse in warehouses:
            run_short_night(warehouse)


def digest(content: Content, date: str) -> tuple[str, ...]:
    return tuple(row[3] for row in content.digests if row[0] == "raw.loan_book" and row[2] == date)


def test_of_eight_contents_under_one_number_one_is_published_and_the_others_are_refused(
    scene: Scene, disturbed: Warehouse, tmp_path: Path
) -> None:
    racers = with_landings(disturbed, different_deliveries([1] * RACERS), tmp_path)
    with ConstantReader(disturbed) as reader:
        assert race(racers, tmp_path / "gate") == [0] * RACERS
    published = {digest(state, "2025-09-30") for state in reader.states()} - {()}
    assert len(published) <= 1
    first = read_content(disturbed)
    require_laws(disturbed)
    run_again(racers)
    require_laws(disturbed)
    assert read_content(disturbed) == first, "the first content stands"
    assert digest(first, "2025-09-30")
    verdicts = [verdict for code, date, _, verdict in read_entries(disturbed) if (code, date) == (BRANCH, "2025-09-30")]
    assert sorted(verdicts) == ["published"] + ["refused"] * (RACERS - 1)


def test_of_eight_revisions_the_highest_is_visible_in_the_end(
    scene: Scene, disturbed: Warehouse, tmp_path: Path
) -> None:
    racers = with_landings(disturbed, different_deliveries(range(1, RACERS + 1)), tmp_path)
    with ConstantReader(disturbed) as reader:
        assert race(racers, tmp_path / "gate") == [0] * RACERS
    require_laws(disturbed)
    seen = [row[2] for state in reader.states() for row in state.deliveries if row[:2] == (BRANCH, "2025-09-30")]
    assert seen == sorted(seen), "a reader saw an older revision after a newer one"
    content = read_content(disturbed)
    assert (BRANCH, "2025-09-30", RACERS, "published_with_warnings") in content.deliveries
    run_again(racers)
    assert read_content(disturbed) == content
    require_laws(disturbed)
    require_no_leftovers(disturbed)


def test_housekeeping_takes_nothing_from_a_reader(
    scene: Scene, disturbed: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what is superseded. Old days, which are let go on purpose, are the subject of tests/ingestion/test_retire.py."""
    monkeypatch.setattr("ingestion.retire.DAYS_KEPT", 10_000)
    with ConstantReader(disturbed) as reader, without_great_expectations():
        run_short_night(disturbed)
        while retire_rows(disturbed, lambda _: None).whole == 0:
            pass
        reader.wait_for(scene.after)
    assert reader.states() == [scene.before, scene.after]
    require_laws(disturbed)
