"""A night goes by a branch that has nothing to do: so whatever was left undone must count as something to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.branch import find_branches
from pipeline.night import run_night
from tests.support.deliveries import first_delivery
from tests.support.warehouses import new_warehouse, without_great_expectations
from warehouse.connect import Warehouse
from warehouse.faults import InjectedError


def test_rows_that_a_held_delivery_still_has_are_work_for_the_next_night(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = new_warehouse(warehouse, tmp_path / "home")
    delivery = first_delivery("96")
    delivery.rows["customers"][-1]["sex"] = "neither"
    delivery.write(Path(own.settings.landing))

    def fail(*_: object) -> None:
        raise InjectedError

    with without_great_expectations():
        with monkeypatch.context() as patch:
            patch.setattr("pipeline.branch.drop_held", fail)
            assert list(run_night(own, processes=1).failures) == ["96"]
        assert find_branches(own) == ["96"]
        (outcome,) = run_night(own, processes=1).outcomes
    assert outcome.verdict == "duplicate"
    assert find_branches(own) == []
    with own.connect("admin") as connection:
        left = connection.execute("select relname from pg_class where relname ~ '_d[0-9]+$'").fetchall()
    assert left == []
