"""What the last tasks of a night read from the ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from contract.errors import WarehouseError
from ingestion.ledger import Entry, Verdict, append_entry
from pipeline.news import branch_name, find_troubles, has_news, require_good_verdicts
from tests.support.warehouses import environment, new_warehouse, remove_warehouse
from warehouse.connect import Connection, Warehouse

DATE = dt.date(2025, 9, 28)


@pytest.fixture(scope="module")
def own_warehouse(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A ledger of its own: what is entered here stays, and other tests count what they find in theirs."""
    own = new_warehouse(warehouse, tmp_path_factory.mktemp("news"))
    yield own
    remove_warehouse(own)


@pytest.fixture
def loader(own_warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    for name, value in environment(own_warehouse).items():
        monkeypatch.setenv(name, value)
    with own_warehouse.connect("loader", autocommit=True) as connection:
        yield connection


def enter(connection: Connection, branch: str, revision: int, verdict: Verdict, reason: str = "Because.") -> None:
    append_entry(connection, Entry(branch, dt.date(2008, 8, 1), DATE, revision, None, verdict, reason))


def now(connection: Connection) -> dt.datetime:
    row = connection.execute("select clock_timestamp()").fetchone()
    assert row is not None
    moment: dt.datetime = row[0]
    return moment


def test_a_ledger_that_has_not_grown_is_no_news(loader: Connection) -> None:
    since = now(loader)
    assert not has_news(since)
    enter(loader, "40", 1, "published")
    assert has_news(since)


def test_held_and_refused_deliveries_are_named_with_their_reason(loader: Connection) -> None:
    since = now(loader)
    enter(loader, "96", 1, "published")
    enter(loader, "58", 2, "held", "One đồng is missing.")
    enter(loader, "15", 1, "refused", "The hash is wrong.")
    with pytest.raises(WarehouseError) as caught:
        require_good_verdicts(since)
    assert caught.value.problem.splitlines() == [
        "2 deliveries were held or refused",
        "58 Ninh Thuận, 2025-09-28, revision 2: held. One đồng is missing.",
        "15 Yên Bái / Lào Cai, 2025-09-28, revision 1: refused. The hash is wrong.",
    ]
    assert "docs/runbooks/held-delivery.md" in caught.value.remedy


def test_a_delivery_that_was_mended_meanwhile_is_no_trouble(loader: Connection) -> None:
    since = now(loader)
    enter(loader, "52", 1, "held")
    assert [trouble.branch_code for trouble in find_troubles(since)] == ["52"]
    enter(loader, "52", 2, "published")
    require_good_verdicts(since)


def test_the_trouble_of_an_earlier_night_is_not_told_again(loader: Connection) -> None:
    enter(loader, "46", 1, "held")
    since = now(loader)
    require_good_verdicts(since)
    assert find_troubles(since) == []


def test_a_folder_that_names_no_branch_is_shown_as_it_is() -> None:
    assert branch_name("zz") == "zz"
