"""What housekeeping drops and keeps, and that a check which needs dropped rows stages them again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ingestion.retire import Retired, retire_rows
from pipeline.intake import restage
from tests.support.deliveries import first_delivery, ordinary_day, repay
from tests.support.door import at, take_in
from warehouse.connect import Warehouse, open_warehouse
from warehouse.faults import InjectedError
from warehouse.server import EmbeddedServer

OLD_MONTH_END, OLD_DAY, NEWEST = "2025-01-31", "2025-02-03", "2025-06-30"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Warehouse]:
    """A warehouse of this test's own: the newest date in it decides what is old."""
    home = tmp_path / "home"
    yield at(open_warehouse(home), tmp_path)
    EmbeddedServer(home).destroy()


def rows(warehouse: Warehouse, dataset: str, date: str) -> int:
    with warehouse.connect("transformer") as connection:
        found = connection.execute(f"select count(*) from raw.{dataset} where business_date = '{date}'").fetchone()
    assert found is not None
    return int(found[0])


def descriptor_sha256(warehouse: Warehouse, date: str) -> str:
    """The hash of the descriptor of the first revision, as the next one names it."""
    return hashlib.sha256(
        (Path(warehouse.settings.landing) / "04" / date / "r1" / "datapackage.json").read_bytes()
    ).hexdigest()


def deliver(warehouse: Warehouse) -> None:
    landing = Path(warehouse.settings.landing)
    first = first_delivery("04", OLD_MONTH_END)
    second = repay(first.next(OLD_DAY), 1, 1_000_000)
    third = repay(second.next(NEWEST), 1, 2_000_000)
    for delivery in (first, second, third):
        delivery.write(landing)
    assert [outcome.verdict for outcome in take_in(warehouse, "04")] == ["published"] * 3


def test_daily_states_go_after_100_days_while_month_ends_and_events_stay(own: Warehouse) -> None:
    deliver(own)
    assert retire_rows(own, print) == Retired(whole=0, states=1)
    assert rows(own, "loan_book", OLD_DAY) == 0
    assert rows(own, "savings_groups", OLD_DAY) == 0
    assert rows(own, "loan_transactions", OLD_DAY) == 1
    assert rows(own, "loan_book", OLD_MONTH_END) == 6
    assert rows(own, "loan_book", NEWEST) == 6
    assert retire_rows(own, print) == Retired(whole=0, states=0)


def test_a_date_that_has_not_come_lets_nobody_else_s_days_go(own: Warehouse) -> None:
    """Branch 96 writes next year's date: of 04 goes only what is more than 100 days before its own newest date."""
    old, recent, ahead = (ordinary_day(days) for days in (-130, -20, 200))
    first, landing = first_delivery("04", old), Path(own.settings.landing)
    for delivery in (first, repay(first.next(recent), 1, 1_000_000), first_delivery("96", ahead)):
        delivery.write(landing)
    for branch, count in (("04", 2), ("96", 1)):
        assert [outcome.verdict for outcome in take_in(own, branch)] == ["published"] * count
    assert retire_rows(own, print) == Retired(whole=0, states=1)
    assert [rows(own, "loan_book", date) for date in (old, recent, ahead)] == [0, 6, 6]


def retire_old_day(own: Warehouse) -> int:
    """Deliver everything, drop what need not be kept, and return the delivery whose state has gone."""
    deliver(own)
    retire_rows(own, print)
    query = "select delivery_id from meta.deliveries where business_date = %s"
    with own.connect("loader") as connection:
        ((delivery_id,),) = connection.execute(query, [OLD_DAY]).fetchall()
    return int(delivery_id)


def test_events_are_readable_all_the_while_a_state_is_staged_again(
    own: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_day = retire_old_day(own)
    monkeypatch.setenv("WAREHOUSE_FAULT", "after the commit of personal rows=raise")
    with pytest.raises(InjectedError):
        restage(own, old_day)
    assert (rows(own, "loan_transactions", OLD_DAY), rows(own, "loan_book", OLD_DAY)) == (1, 0)
    restage(own, old_day)
    assert (rows(own, "loan_transactions", OLD_DAY), rows(own, "loan_book", OLD_DAY)) == (1, 6)


def test_superseded_rows_go_and_their_bytes_stay(own: Warehouse) -> None:
    deliver(own)
    revised = repay(first_delivery("04", OLD_DAY), 1, 1_000_000)
    revised.previous, revised.revision, revised.supersedes = OLD_MONTH_END, 2, descriptor_sha256(own, OLD_DAY)
    revised.rows["customers"][0]["residence"] = "left"
    revised.write(Path(own.settings.landing))
    revision_2 = next(outcome for outcome in take_in(own, "04") if outcome.revision == 2)
    assert revision_2.verdict == "published"
    assert retire_rows(own, print).whole == 1
    with own.connect("admin") as connection:
        kept = connection.execute(
            "select array_agg(f.stored_sha256) from meta.delivery_files as f inner join meta.deliveries as d "
            "on f.delivery_id = d.delivery_id where d.business_date = %s and d.revision = 1",
            [OLD_DAY],
        ).fetchone()
        left = connection.execute("select to_regclass('raw.loan_book_d2')").fetchone()
    assert kept is not None
    assert left == (None,)
    assert all((own.settings.store / "sha256" / sha256[:2] / sha256).exists() for sha256 in kept[0])


def test_a_correction_after_a_retired_date_is_measured_against_its_bytes(own: Warehouse) -> None:
    deliver(own)
    retire_rows(own, print)
    broken = repay(first_delivery("04", NEWEST), 1, 2_500_000)
    broken.previous, broken.revision, broken.supersedes = OLD_DAY, 2, descriptor_sha256(own, NEWEST)
    broken.write(Path(own.settings.landing))
    (held,) = take_in(own, "04")
    assert held.verdict == "held"
    assert {finding["rule"] for finding in held.findings} == {"roll-forward"}
    assert rows(own, "loan_book", OLD_DAY) == 6, "the retired state was staged again"
    assert retire_rows(own, print) == Retired(whole=1, states=1)


def test_a_reader_of_one_snapshot_does_not_see_rows_that_are_staged_again_meanwhile(own: Warehouse) -> None:
    old_day = retire_old_day(own)
    count = f"select count(*) from raw.loan_book where business_date = '{OLD_DAY}'"
    with own.connect("transformer") as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        assert reader.execute(count).fetchone() == (0,)
        restage(own, old_day)
        assert reader.execute(count).fetchone() == (0,)
    assert rows(own, "loan_book", OLD_DAY) == 6


def test_nobody_who_reads_new_rows_has_to_mark_their_pages(own: Warehouse) -> None:
    deliver(own)
    with own.connect("admin") as connection:
        unmarked = connection.execute(
            "select relname from pg_class where relname ~ '^(loan_book|customers)_d[0-9]+$' and relallvisible < relpages"
        ).fetchall()
    assert unmarked == []
