"""Transactions, checks and constraints taken away: the laws, or what the guard is there for, are seen broken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from ingestion.load import load_delivery
from pipeline.branch import publish_branch, verify_branch
from tests.faults.conftest import BRANCH, Scene, broken, require_no_leftovers
from tests.faults.witness import read_content
from warehouse.connect import Connection, Role, Warehouse
from warehouse.faults import InjectedError


@contextmanager
def without_transactions() -> Iterator[None]:
    """Every statement commits by itself."""
    connect = Warehouse.connect

    def connect_loosely(self: Warehouse, role: Role, *, autocommit: bool = False) -> Connection:
        return connect(self, role, autocommit=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Warehouse, "connect", connect_loosely)
        yield


def test_without_a_transaction_half_a_load_stays(disturbed: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    verify_branch(disturbed, BRANCH)
    # A small dataset: PostgreSQL itself refuses to copy into the leaf of a large one outside the transaction that made it.
    monkeypatch.setenv("WAREHOUSE_FAULT", "half a COPY savings_groups=raise")
    with disturbed.connect("admin") as connection:
        row = connection.execute("select max(delivery_id) from meta.deliveries").fetchone()
    assert row is not None
    with without_transactions(), pytest.raises(InjectedError):
        load_delivery(disturbed, row[0])
    with pytest.raises(AssertionError):
        require_no_leftovers(disturbed)


def test_without_a_transaction_what_is_not_yet_decided_is_seen(
    scene: Scene, judged: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_FAULT", "before the commit that makes visible=raise")
    with without_transactions(), pytest.raises(InjectedError):
        publish_branch(judged, BRANCH)
    assert read_content(judged) != scene.before


def test_without_the_check_on_verdicts_another_word_gets_in_and_is_noticed(disturbed: Warehouse) -> None:
    entry = """
        insert into meta.ledger (branch_code, branch_valid_from, business_date, revision, delivery_id, verdict, sets_visible,
            visible_delivery_id, reason)
        select branch_code, branch_valid_from, business_date, revision, delivery_id, 'fine', true, delivery_id, 'x'
        from meta.visible_deliveries inner join meta.deliveries using (branch_code, branch_valid_from, business_date, revision, delivery_id)
    """
    with disturbed.connect("admin") as connection:
        with pytest.raises(psycopg.errors.CheckViolation), connection.transaction():
            connection.execute(entry)
        connection.execute("alter table meta.ledger drop constraint ledger_verdict_check")
        connection.execute(entry)
    assert broken(disturbed) == {1, 10}


def test_without_the_check_on_a_leaf_its_table_refuses_rows_of_another_delivery(judged: Warehouse) -> None:
    with judged.connect("admin") as connection:
        with pytest.raises(psycopg.errors.CheckViolation), connection.transaction():
            connection.execute("update raw.loan_book_d1 set delivery_id = 2 where row_no = 1")
        connection.execute("alter table raw.loan_book_c0 detach partition raw.loan_book_d1")
        connection.execute("alter table raw.loan_book_d1 drop constraint loan_book_d1_delivery_id_check")
        connection.execute("update raw.loan_book_d1 set delivery_id = 2 where row_no = 1")
        with pytest.raises(psycopg.errors.CheckViolation), connection.transaction():
            connection.execute("select meta.attach_leaf('raw', 'loan_book', 1)")
    assert 2 in broken(judged)
