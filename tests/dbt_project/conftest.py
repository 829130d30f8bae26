"""A database of its own for the marts in the test session's server, one a module: what others publish or break is not here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from pipeline.build import build
from tests.dbt_project.publishing import publish
from tests.dbt_project.variety import following, varied
from tests.support.deliveries import Delivery
from warehouse.connect import Warehouse
from warehouse.schema import bring_up_to_date


@pytest.fixture(scope="module")
def marts(warehouse: Warehouse) -> Iterator[Warehouse]:
    """An empty warehouse in a second database of the session's server."""
    with warehouse.connect("admin", autocommit=True) as connection:
        connection.execute("create database marts_test")
    second = replace(warehouse, admin_url=warehouse.url("admin", "marts_test"))
    bring_up_to_date(second)
    yield second
    with warehouse.connect("admin", autocommit=True) as connection:
        connection.execute("drop database marts_test with (force)")


@pytest.fixture(scope="module")
def year(marts: Warehouse) -> list[Delivery]:
    """Branch 58 from the end of 2023 to the second quarter of 2024, and one date of branch 89; published and built."""
    first = varied("58", "2023-12-31", 1)
    deliveries = [first]
    for seed, date in enumerate(("2024-01-31", "2024-03-30", "2024-03-31", "2024-05-15"), start=2):
        deliveries.append(following(deliveries[-1], date, seed))
    publish(marts, *deliveries, varied("89", "2024-06-01", 9))
    build(marts)
    return deliveries
