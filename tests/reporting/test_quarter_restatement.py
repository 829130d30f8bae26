"""What has changed since a quarter was published is said beside it, by cause; the quarter itself stays as it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from reporting.quarter import Quarter
from reporting.quarter_decide import find_alterations
from reporting.quarter_freeze import freeze_quarter
from reporting.quarter_log import Version
from reporting.quarter_restate import read_restatement
from tests.support.quarters import HandMadeMarts, state
from warehouse.connect import Connection, Warehouse

Close = Callable[[Quarter], Version]
MILLION = 1_000_000
LATEST = Quarter(2024, 4)


@pytest.fixture
def published(delivered: Quarter, publish_quarter: Close) -> Version:
    return publish_quarter(delivered)


@pytest.fixture
def keeper(quarter_warehouse: Warehouse) -> Iterator[Connection]:
    with quarter_warehouse.connect("quarter_keeper") as connection:
        yield connection


def restated(connection: Connection, version: Version, table: str, figure: str) -> list[tuple[Any, ...]]:
    return connection.execute(
        "select branch_code, published_value, value_now, difference, cause from quarters.restatement "
        "where quarter_code = %s and version = %s and table_name = %s and figure = %s order by branch_code, published_value",
        [version.quarter.code, version.version, table, figure],
    ).fetchall()


def test_a_quarter_that_nothing_has_happened_to_has_no_restatement(keeper: Connection, published: Version) -> None:
    assert read_restatement(keeper, published) == []


def test_a_corrected_delivery_is_named_as_the_cause_and_version_1_stays(
    marts: HandMadeMarts, keeper: Connection, published: Version
) -> None:
    day = published.quarter.last_on
    marts.show(state("58", day, scale=2), state("96", day, scale=10), deliveries=[("58", day, 2)])
    assert restated(keeper, published, "branch_scorecard", "outstanding_vnd") == [
        ("58", 80 * MILLION, 160 * MILLION, 80 * MILLION, "corrected delivery")
    ]
    assert restated(keeper, published, "national_scorecard", "outstanding_vnd") == [
        (None, 880 * MILLION, 960 * MILLION, 80 * MILLION, "corrected delivery")
    ]
    assert len(restated(keeper, published, "loan_balances", "outstanding_vnd")) == 3
    assert find_alterations(keeper, published) == {}
    row = keeper.execute(
        "select distinct r.deliveries, d.revision from quarters.restatement as r, meta.deliveries as d "
        "where r.quarter_code = %s and d.delivery_id = any(r.deliveries)", [published.quarter.code],
    ).fetchall()  # fmt: skip
    assert [revision for _, revision in row] == [2]


def test_a_late_delivery_is_named_as_the_cause(
    marts: HandMadeMarts, keeper: Connection, quarter: Quarter, publish_quarter: Close
) -> None:
    marts.show(state("58", quarter.last_on))
    published = publish_quarter(quarter)
    marts.show(state("58", quarter.last_on), state("96", quarter.last_on), deliveries=[("96", quarter.last_on, 1)])
    assert restated(keeper, published, "branch_scorecard", "outstanding_vnd") == [
        ("96", None, 80 * MILLION, 80 * MILLION, "late delivery")
    ]
    assert restated(keeper, published, "national_scorecard", "branches_delivered") == [(None, 1, 2, 1, "late delivery")]
    assert {summary.cause for summary in read_restatement(keeper, published)} == {"late delivery"}


def test_a_delivery_that_is_withdrawn_is_a_correction(
    marts: HandMadeMarts, quarter_warehouse: Warehouse, keeper: Connection, published: Version
) -> None:
    day = published.quarter.last_on
    marts.show(state("58", day), state("96", day, scale=10), deliveries=[])
    marts.replace("branch_scorecard", [], [day])
    with quarter_warehouse.connect("loader") as connection:
        connection.execute(
            "insert into meta.ledger (branch_code, branch_valid_from, business_date, verdict, sets_visible, reason) "
            "select branch_code, branch_valid_from, business_date, 'held', true, '' from meta.visible_deliveries "
            "where business_date = %s and branch_code = '58'", [day],
        )  # fmt: skip
    marts.build()
    assert restated(keeper, published, "branch_scorecard", "loans")[0] == ("58", 3, None, -3, "corrected delivery")


def test_another_calculation_is_named_as_the_cause(
    marts: HandMadeMarts, keeper: Connection, published: Version
) -> None:
    day = published.quarter.last_on
    marts.change(f"update marts.mart_branch_scorecard set overdue_ratio_pct = 1 where business_date = '{day}'")
    marts.build("two")
    assert restated(keeper, published, "branch_scorecard", "overdue_ratio_pct") == [
        ("58", Decimal("2.5"), 1, Decimal("-1.5"), "calculation"), ("96", Decimal("2.5"), 1, Decimal("-1.5"), "calculation"),
    ]  # fmt: skip


def test_targets_in_percent_and_in_dong_are_not_added(
    marts: HandMadeMarts, keeper: Connection, delivered: Quarter, publish_quarter: Close
) -> None:
    day = delivered.last_on
    marts.change(
        "insert into marts.mart_target_progress (business_date, branch_code, current_branch_code, is_provisional, plan_id, version, "
        f"indicator, target_value, actual_value) values ('{day}', '58', '56', false, 'QH', 1, 'overdue_ratio_pct', 1, 2.5)"
    )
    published = publish_quarter(delivered)
    marts.change(
        f"update marts.mart_target_progress set actual_value = 3 where business_date = '{day}' and branch_code = '58'"
    )
    marts.build("two")
    (found,) = read_restatement(keeper, published)
    assert (found.table, found.figure, found.rows) == ("target_progress", "actual_value", 2)
    assert (found.published, found.now, found.difference) == (None, None, None)


def test_a_correction_is_no_cause_of_what_changes_at_a_branch_that_merges_with_it_later(
    marts: HandMadeMarts, keeper: Connection, publish_quarter: Close
) -> None:
    """Bạc Liêu (95) goes to 96 on 2025-07-01, after the quarter; from then on what it sends again changes 96 as well."""
    march, june, september = (Quarter(2025, number).last_on for number in (1, 2, 3))
    before, after = state("95", june, current_branch="96"), state("96", september)
    marts.show(state("95", march, current_branch="96"), before, state("96", june), after)
    closed = [publish_quarter(Quarter(2025, number)) for number in (2, 3)]
    for day in (june, september):
        marts.change(
            f"update marts.mart_branch_scorecard set loans = 4 where business_date = '{day}' and branch_code = '96'"
        )
    marts.show(state("95", march, scale=2, current_branch="96"), deliveries=[("95", march, 2)])
    marts.change(
        f"update marts.mart_branch_scorecard set loans = 5 where business_date = '{june}' and branch_code = '95'"
    )
    assert [restated(keeper, version, "branch_scorecard", "loans") for version in closed] == [
        [("95", 3, 5, 2, "corrected delivery"), ("96", 3, 4, 1, "calculation")], [("96", 3, 4, 1, "corrected delivery")],
    ]  # fmt: skip


def add_target(warehouse: Warehouse, day: dt.date, begun: dt.date) -> None:
    """Let the delivery of 58 for a day bring a target that counts from another one on."""
    with warehouse.connect("admin") as connection:
        connection.execute(
            "insert into raw.plan_targets_rows (delivery_id, branch_code, business_date, row_no, period_start, valid_from) "
            "select delivery_id, branch_code, business_date, 1, %s, %s from meta.visible_deliveries "
            "where branch_code = '58' and business_date = %s", [begun, begun, day],
        )  # fmt: skip


def test_what_a_version_of_before_did_not_record_has_not_come_late(
    marts: HandMadeMarts, quarter_warehouse: Warehouse, keeper: Connection, publish_quarter: Close
) -> None:
    """A target of several years that was not looked at when the quarter was frozen, and is now."""
    day, long_ago = LATEST.last_on, LATEST.last_on - dt.timedelta(days=900)
    marts.show(
        state("58", day), state("96", day, scale=10), deliveries=[("58", long_ago, 1), ("58", day, 1), ("96", day, 1)]
    )
    published = publish_quarter(LATEST)
    add_target(quarter_warehouse, day, begun=long_ago)
    marts.change(f"update marts.mart_branch_scorecard set overdue_ratio_pct = 1 where business_date = '{day}'")
    marts.build("two")
    causes = {row[-1] for row in restated(keeper, published, "branch_scorecard", "overdue_ratio_pct")}
    assert causes == {"calculation"}
    marts.show(state("58", day), state("96", day, scale=10), deliveries=[("58", long_ago + dt.timedelta(days=1), 1)])
    marts.change(f"update marts.mart_branch_scorecard set overdue_ratio_pct = 1 where business_date = '{day}'")
    assert ("58", Decimal("2.5"), 1, Decimal("-1.5"), "late delivery") in restated(
        keeper, published, "branch_scorecard", "overdue_ratio_pct"
    )


def test_what_is_looked_back_to_no_more_has_not_been_corrected(
    marts: HandMadeMarts, quarter_warehouse: Warehouse, keeper: Connection, publish_quarter: Close
) -> None:
    """The target of several years goes, and with it the look at a delivery that is visible as it was."""
    quarter = Quarter(2024, 3)
    day, long_ago = quarter.last_on, quarter.last_on - dt.timedelta(days=900)
    deliveries = [("58", long_ago, 1), ("58", day, 1), ("96", day, 1)]
    marts.show(state("58", day), state("96", day, scale=10), deliveries=deliveries)
    add_target(quarter_warehouse, day, begun=long_ago)
    published = publish_quarter(quarter)
    with quarter_warehouse.connect("admin") as connection:
        connection.execute("delete from raw.plan_targets_rows where period_start = %s", [long_ago])
    marts.change(f"update marts.mart_branch_scorecard set overdue_ratio_pct = 1 where business_date = '{day}'")
    marts.build("two")
    causes = {row[-1] for row in restated(keeper, published, "branch_scorecard", "overdue_ratio_pct")}
    assert causes == {"calculation"}


def test_succession_moves_rows_and_no_money(
    marts: HandMadeMarts, quarter_warehouse: Warehouse, keeper: Connection, published: Version
) -> None:
    day = published.quarter.last_on
    marts.show(state("58", day, current_branch="58"), state("96", day, scale=10), deliveries=[])
    with quarter_warehouse.connect("admin", autocommit=True) as connection:
        before = connection.execute(
            "select sha256 from meta.reference_versions where file_name = 'branches'"
        ).fetchone()
        connection.execute("update meta.reference_versions set sha256 = 'other' where file_name = 'branches'")
        try:
            found = read_restatement(keeper, published)
        finally:
            connection.execute("update meta.reference_versions set sha256 = %s where file_name = 'branches'", before)
    assert {(summary.cause, summary.figure, summary.difference) for summary in found} == {
        ("succession", "current_branch_code", None)
    }


def test_version_2_takes_the_correction_in_and_version_1_goes_on_saying_what_changed(
    marts: HandMadeMarts, keeper: Connection, published: Version, publish_quarter: Close
) -> None:
    day = published.quarter.last_on
    marts.show(state("58", day, scale=2), state("96", day, scale=10), deliveries=[("58", day, 2)])
    second = publish_quarter(published.quarter)
    assert second.version == 2
    assert read_restatement(keeper, second) == []
    assert {summary.cause for summary in read_restatement(keeper, published)} == {"corrected delivery"}
    assert find_alterations(keeper, published) == {}


def test_bi_reads_the_restatement_and_a_branch_that_of_its_own(
    marts: HandMadeMarts, quarter_warehouse: Warehouse, published: Version, reading_as: Callable[[str, str], Connection]
) -> None:
    day = published.quarter.last_on
    marts.show(state("58", day, scale=2), state("96", day, scale=11), deliveries=[("58", day, 2), ("96", day, 2)])
    with quarter_warehouse.connect("admin") as connection:
        connection.execute("insert into meta.branch_access values ('ca_mau', '96') on conflict do nothing")
    analyst, branch = reading_as("bi_reader", "analyst"), reading_as("branch_reader", "ca_mau")
    assert len(restated(analyst, published, "branch_scorecard", "outstanding_vnd")) == 2
    assert [row[0] for row in restated(branch, published, "branch_scorecard", "outstanding_vnd")] == ["96"]


def causes(connection: Connection, version: Version) -> list[tuple[Any, ...]]:
    return connection.execute(
        "select branch_code, causes from quarters.causes_of(%s, %s) order by branch_code",
        [version.quarter.code, version.version],
    ).fetchall()


def test_bi_is_told_nothing_of_a_version_that_is_not_published(
    marts: HandMadeMarts,
    quarter_warehouse: Warehouse,
    keeper: Connection,
    delivered: Quarter,
    reading_as: Callable[[str, str], Connection],
) -> None:
    draft = freeze_quarter(quarter_warehouse, delivered, None).version
    marts.show(state("58", delivered.last_on, scale=2), deliveries=[("58", delivered.last_on, 2)])
    territory = "select quarters.is_territory_changed(%s, %s)"
    analyst = reading_as("bi_reader", "analyst")
    with quarter_warehouse.connect("admin", autocommit=True) as connection:
        before = connection.execute(
            "select sha256 from meta.reference_versions where file_name = 'branches'"
        ).fetchone()
        connection.execute("update meta.reference_versions set sha256 = 'other' where file_name = 'branches'")
        try:
            found = [reader.execute(territory, [draft.quarter.code, 1]).fetchone() for reader in (keeper, analyst)]
        finally:
            connection.execute("update meta.reference_versions set sha256 = %s where file_name = 'branches'", before)
    assert found == [(True,), (False,)]
    assert [code for code, _ in causes(keeper, draft)] == ["*", "58"]
    assert causes(analyst, draft) == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        analyst.execute("select from quarters.changed_inputs(%s, %s)", [draft.quarter.code, draft.version])


def test_a_branch_is_told_the_causes_of_its_own_figures_and_of_the_nation(
    marts: HandMadeMarts, quarter_warehouse: Warehouse, published: Version, reading_as: Callable[[str, str], Connection]
) -> None:
    """Ninh Thuận (58) is a part of Khánh Hòa (56) today."""
    day = published.quarter.last_on
    marts.show(state("58", day, scale=2), state("96", day, scale=11), deliveries=[("58", day, 2), ("96", day, 2)])
    with quarter_warehouse.connect("admin") as connection:
        connection.execute("insert into meta.branch_access values ('khanh_hoa', '56')")
    corrected = ["corrected delivery"]
    assert causes(reading_as("branch_reader", "khanh_hoa"), published) == [("*", corrected), ("58", corrected)]
    assert causes(reading_as("branch_reader", "unmapped"), published) == [("*", corrected)]
    assert [code for code, _ in causes(reading_as("bi_reader", "analyst"), published)] == ["*", "58", "96"]
