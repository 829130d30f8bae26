"""A night goes by a branch that has nothing to do: so whatever was left undone must count as something to do."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

import expectations
from contract.findings import no_findings
from pipeline.branch import find_branches, publish_branch
from pipeline.night import run_night
from pipeline.rework import rework_branch
from tests.support.deliveries import Delivery, first_delivery, repay
from tests.support.warehouses import new_warehouse, without_great_expectations
from warehouse.connect import Warehouse
from warehouse.faults import InjectedError

DATE = "2025-09-28"


def fail(*_: object) -> None:
    raise InjectedError


@contextlib.contextmanager
def broken(place: str) -> Iterator[None]:
    """What is at `place` raises an exception."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, fail)
        yield


@contextlib.contextmanager
def great_expectations_unavailable() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(expectations, "validate", lambda *_, **__: expectations.Report(no_findings(), {}, "no answer"))
        yield


def run(warehouse: Warehouse) -> list[tuple[str, str]]:
    """A night of the branch: the date and verdict of each delivery."""
    with without_great_expectations():
        return [(outcome.business_date, outcome.verdict) for outcome in run_night(warehouse, processes=1).outcomes]


def ledger(warehouse: Warehouse) -> list[tuple[str, str]]:
    with warehouse.connect("loader") as connection:
        return connection.execute("select verdict, reason from meta.ledger order by entry_no").fetchall()


def with_a_wrong_word(delivery: Delivery) -> Delivery:
    delivery.rows["customers"][-1]["sex"] = "neither"
    return delivery


@pytest.fixture
def own(warehouse: Warehouse, tmp_path: Path) -> Warehouse:
    return new_warehouse(warehouse, tmp_path / "home")


def test_rows_that_a_held_delivery_still_has_are_work_for_the_next_night(own: Warehouse) -> None:
    with_a_wrong_word(first_delivery("96")).write(Path(own.settings.landing))
    with without_great_expectations(), broken("pipeline.branch.drop_held"):
        assert list(run_night(own, processes=1).failures) == ["96"]
    assert find_branches(own) == ["96"]
    assert run(own) == [(DATE, "duplicate")]
    assert find_branches(own) == []
    with own.connect("admin") as connection:
        left = connection.execute("select relname from pg_class where relname ~ '_d[0-9]+$'").fetchall()
    assert left == []


def test_a_judgement_that_the_ledger_has_not_weighed_is_work_for_the_next_night(own: Warehouse) -> None:
    first_delivery("96").write(Path(own.settings.landing))
    with great_expectations_unavailable():
        assert [outcome.verdict for outcome in run_night(own, processes=1).outcomes] == ["held"]
    with without_great_expectations(), broken("pipeline.branch.resolve"):
        assert list(run_night(own, processes=1).failures) == ["96"]
    assert find_branches(own) == ["96"]
    assert run(own) == [(DATE, "published")]
    assert find_branches(own) == []


def test_a_delivery_that_could_not_be_measured_is_measured_in_the_next_night(own: Warehouse) -> None:
    first = first_delivery("96")
    first.write(Path(own.settings.landing))
    run(own)
    repay(first.next("2025-09-29"), 1, 1_000_000).write(Path(own.settings.landing))
    with broken("pipeline.intake.measure_opening"):
        assert run(own)[-1] == ("2025-09-29", "held")
        assert run(own)[-1] == ("2025-09-29", "duplicate")
    assert [verdict for verdict, _ in ledger(own)] == ["published", "held"], "the same trouble is told once"
    assert find_branches(own) == ["96"]
    assert run(own)[-1] == ("2025-09-29", "published")
    assert find_branches(own) == []


def test_rework_that_was_cut_off_goes_on_in_the_next_night(own: Warehouse) -> None:
    first_delivery("96").write(Path(own.settings.landing))
    with great_expectations_unavailable():
        run_night(own, processes=1)
    day = dt.date.fromisoformat(DATE)
    with without_great_expectations(), broken("pipeline.branch.resolve"), pytest.raises(InjectedError):
        rework_branch(own, "96", day, day)
    assert find_branches(own) == ["96"]
    assert run(own) == [(DATE, "published")]


def test_the_branch_is_told_what_a_check_found_that_could_not_run_before(own: Warehouse) -> None:
    with_a_wrong_word(first_delivery("96")).write(Path(own.settings.landing))
    with broken("pipeline.intake.find_dataset_violations"):
        assert [outcome.verdict for outcome in run_night(own, processes=1).outcomes] == ["held"]
    assert run(own) == [(DATE, "held")]
    (before, after) = [reason for _, reason in ledger(own)]
    assert before.startswith("A check could not run")
    assert after.startswith("1 finding(s) hold the delivery")
    assert "customers,6,sex,constraint-error" in (own.settings.outbox / "96" / DATE / "r1" / "feedback.csv").read_text()
    assert find_branches(own) == []
    assert publish_branch(own, "96") == [], "the same judgement is told once"


def test_what_comes_while_the_night_has_begun_is_taken_in_by_it(own: Warehouse) -> None:
    first_delivery("96").write(Path(own.settings.landing))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.night.find_branches", lambda _: [])
        assert run(own) == [(DATE, "published")]


def test_a_refusal_that_the_branch_was_not_told_is_told_by_the_next_night(own: Warehouse) -> None:
    folder = first_delivery("96").write(Path(own.settings.landing))
    (folder / "datapackage.json").write_text("{")
    assert run(own) == [(DATE, "refused")]
    assert find_branches(own) == []
    feedback = own.settings.outbox / "96" / DATE / "r1" / "feedback.csv"
    feedback.unlink()
    assert run(own) == [(DATE, "refused")]
    assert "package-error" in feedback.read_text()
