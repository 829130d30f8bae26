"""The morning after: a night with one good, one late, one held and one refused branch, and one that sent nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.deadline import ZONE
from tests.support.deliveries import Delivery, first_delivery, repay
from tests.support.door import take_in
from tests.support.warehouses import new_warehouse, remove_warehouse
from warehouse.connect import Warehouse

NIGHT = dt.date(2025, 9, 30)
MORNING = dt.datetime(2025, 10, 1, 12, 0, tzinfo=ZONE)
GOOD, LATE, HELD, REFUSED, SILENT = "96", "04", "01", "11", "24"


def without_one_dong(delivery: Delivery) -> Delivery:
    """The loan book says one đồng less than the general ledger."""
    loan = delivery.rows["loan_book"][0]
    return delivery.edit("loan_book", 1, in_term_vnd=int(loan["in_term_vnd"]) - 1)


def with_wrong_hash(delivery: Delivery) -> Delivery:
    delivery.resources["offices"] = {"hash": "sha256:" + "0" * 64}
    return delivery


def set_times(warehouse: Warehouse, times: dict[tuple[str, str], str]) -> None:
    """Say when deliveries arrived: the database's clock is not the night's."""
    with warehouse.connect("admin") as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("update meta.deliveries set received_at = business_date + time '21:00'")
        for (branch, date), moment in times.items():
            connection.execute(
                "update meta.deliveries set received_at = %s where branch_code = %s and business_date = %s",
                [moment, branch, date],
            )
        connection.execute(
            "update meta.ledger as l set at = coalesce((select d.received_at + interval '42 seconds' from meta.deliveries as d "
            "where d.delivery_id = l.delivery_id), l.business_date + time '21:05')"
        )


@pytest.fixture(scope="session")
def morning(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A warehouse of its own after such a night."""
    own = new_warehouse(warehouse, tmp_path_factory.mktemp("morning"))
    landing = Path(own.settings.landing)
    for branch in (GOOD, LATE, HELD, REFUSED, SILENT):
        first = first_delivery(branch, "2025-09-29")
        if branch == GOOD:
            first = first_delivery(branch, "2025-09-27")
            first.write(landing)
            first = first.next("2025-09-29")
        first.write(landing)
        second = repay(first.next("2025-09-30"), 1, 1_000_000)
        if branch == HELD:
            without_one_dong(second).write(landing)
        elif branch == REFUSED:
            with_wrong_hash(second).write(landing)
        elif branch != SILENT:
            second.write(landing)
        take_in(own, branch)
    set_times(own, {(LATE, "2025-09-30"): "2025-10-01 11:20+07"})
    yield own
    remove_warehouse(own)
