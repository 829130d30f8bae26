"""Laws 6 and 8 as anyone can check them on a live warehouse, each seen red."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.law_quarters import published_quarters, quarter_guards, territories
from reporting.quarter import Quarter
from reporting.quarter_log import Version
from tests.support.quarters import HandMadeMarts
from warehouse.connect import Connection, Warehouse

Law = Callable[[Connection], object]


def problems(connection: Connection, law: Law) -> list[str]:
    return [f"{thing}: {problem}" for thing, problem in law(connection) if problem]  # type: ignore[attr-defined]


@pytest.fixture
def published(delivered: Quarter, publish_quarter: Callable[[Quarter], Version]) -> Version:
    return publish_quarter(delivered)


def test_a_published_quarter_that_nobody_touched_breaks_no_law(
    quarter_warehouse: Warehouse, published: Version
) -> None:
    with quarter_warehouse.connect("admin") as connection:
        assert published.name in {name for name, problem in published_quarters(connection) if not problem}
        assert problems(connection, quarter_guards) == []
        assert problems(connection, territories) == []


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("update quarters.capital_mix set local_vnd = 0 where quarter_code = %s", "quarters.capital_mix: checksum"),
        ("delete from quarters.organisations where quarter_code = %s", "quarters.organisations: 0 rows, 4 were frozen"),
        (
            "update quarters.quarter_close set content_sha256 = repeat('0', 64) where quarter_code = %s",
            "quarters.quarter_close: its checksum is not that of the tables that it records",
        ),
    ],
)
def test_a_published_quarter_that_a_superuser_changed_breaks_law_6(
    quarter_warehouse: Warehouse, published: Version, statement: str, sentence: str
) -> None:
    with quarter_warehouse.connect("admin") as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(statement, [published.quarter.code])  # type: ignore[arg-type]
        found = problems(connection, published_quarters)
        connection.rollback()
    assert len(found) == 1
    assert found[0].startswith(f"{published.name}: {sentence}")


@pytest.mark.parametrize("table", ["quarter_close", "loan_balances"])
def test_a_guard_that_is_off_breaks_law_6(quarter_warehouse: Warehouse, published: Version, table: str) -> None:
    with quarter_warehouse.connect("admin") as connection:
        connection.execute(f"alter table quarters.{table} disable trigger only_grows")  # type: ignore[arg-type]
        assert problems(connection, quarter_guards) == [f"quarters.{table}: a trigger that guards it is off"]
        connection.rollback()


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        (
            "update marts.mart_branch_scorecard set current_branch_code = '01'",
            "the mart places it in 01, the succession in",
        ),
        (
            "update marts.mart_loan_balances set current_commune_code = null where programme_code = '19'",
            "on the territory of today",
        ),
        (
            "update meta.branches set successor_code = '99' where branch_code = '95'",
            "0 branches stand in its place today",
        ),
    ],
    ids=["another place", "a lost commune", "no successor"],
)
def test_a_figure_without_its_place_breaks_law_8(
    quarter_warehouse: Warehouse, marts: HandMadeMarts, delivered: Quarter, statement: str, sentence: str
) -> None:
    with quarter_warehouse.connect("admin") as connection:
        connection.execute(statement)  # type: ignore[arg-type]
        found = problems(connection, territories)
        connection.rollback()
    assert any(sentence in problem for problem in found), found
