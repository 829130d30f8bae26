"""The states of a version, who may bring them about, what can never be changed, and who sees what."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql

from reporting.quarter import Quarter, QuarterError
from reporting.quarter_decide import approve_draft, check_draft, publish_version, reject_draft
from reporting.quarter_freeze import freeze_quarter
from reporting.quarter_log import Version, append_state, read_versions
from tests.support.quarters import COLUMNS, HandMadeMarts, state
from warehouse.connect import Connection, Role, Warehouse


@pytest.fixture
def draft(quarter_warehouse: Warehouse, delivered: Quarter) -> Version:
    return freeze_quarter(quarter_warehouse, delivered, "lan").version


@pytest.fixture
def published(quarter_warehouse: Warehouse, draft: Version) -> Version:
    approve_draft(quarter_warehouse, draft.quarter, by="minh")
    return publish_version(quarter_warehouse, draft.quarter, by="minh")


@pytest.fixture(scope="module")
def standing(quarter_warehouse: Warehouse, marts: HandMadeMarts, unused_quarters: Iterator[Quarter]) -> Version:
    """A draft that no test decides on."""
    quarter = next(unused_quarters)
    marts.show(state("58", quarter.last_on))
    return freeze_quarter(quarter_warehouse, quarter, "lan").version


@pytest.fixture
def keeper(quarter_warehouse: Warehouse) -> Iterator[Connection]:
    with quarter_warehouse.connect("quarter_keeper") as connection:
        yield connection


def log_of(keeper: Connection, quarter: Quarter) -> list[tuple[int, str, str]]:
    cursor = keeper.execute(
        "select version, status, by from quarters.quarter_close where quarter_code = %s order by entry_no",
        [quarter.code],
    )
    return cursor.fetchall()


def versions_seen(connection: Connection, table: str, quarter: Quarter) -> list[int]:
    query = sql.SQL("select distinct version from {} where quarter_code = %s order by 1").format(
        sql.Identifier("quarters", table)
    )
    return [row[0] for row in connection.execute(query, [quarter.code])]


def test_a_draft_is_approved_by_another_person_and_published(
    quarter_warehouse: Warehouse, draft: Version, keeper: Connection
) -> None:
    approved = approve_draft(quarter_warehouse, draft.quarter, by="minh", reason="Seen with the board.")
    assert (approved.status, approved.by, approved.reason) == ("approved", "minh", "Seen with the board.")
    assert approved.content_sha256 == draft.content_sha256
    published = publish_version(quarter_warehouse, draft.quarter, by="schedule")
    assert published.status == "published"
    assert draft.at < approved.at < published.at
    assert log_of(keeper, draft.quarter) == [
        (1, "draft", "lan"), (1, "approved", "minh"), (1, "published", "schedule"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["lan", "Lan", " LAN "])
def test_who_asked_for_the_freeze_cannot_approve_it(quarter_warehouse: Warehouse, standing: Version, name: str) -> None:
    with pytest.raises(QuarterError, match=r"asked for version 1 .* and cannot approve it"):
        approve_draft(quarter_warehouse, standing.quarter, by=name)


def test_what_the_schedule_froze_may_be_approved_by_anybody(quarter_warehouse: Warehouse, delivered: Quarter) -> None:
    draft = freeze_quarter(quarter_warehouse, delivered, None).version
    assert (draft.by, draft.requested_by) == ("schedule", None)
    assert approve_draft(quarter_warehouse, delivered, by="lan").status == "approved"


def test_nothing_is_published_that_was_not_approved(quarter_warehouse: Warehouse, standing: Version) -> None:
    with pytest.raises(QuarterError, match=r"that is approved does not exist \(version 1 is draft\)"):
        publish_version(quarter_warehouse, standing.quarter, by="minh")


@pytest.mark.parametrize(
    ("status", "version", "complaint"),
    [
        ("published", 1, "is draft: it cannot become published"),
        ("superseded", 1, "superseded by publishing the next one"),
        ("draft", 2, "Version 1 of .* is still open"),
        ("approved", 2, "Version 2 of .* is unknown: it cannot become approved"),
    ],
)
def test_the_database_keeps_the_order_of_states(
    standing: Version, keeper: Connection, status: str, version: int, complaint: str
) -> None:
    inputs = {} if status == "draft" else None
    with pytest.raises(QuarterError, match=complaint):
        append_state(
            keeper, standing.quarter, version, status, by="minh", content_sha256=standing.content_sha256, inputs=inputs
        )  # type: ignore[arg-type]


def test_only_the_checksum_that_was_frozen_can_be_approved(standing: Version, keeper: Connection) -> None:
    with pytest.raises(QuarterError, match="was frozen with the checksum"):
        append_state(keeper, standing.quarter, 1, "approved", by="minh", content_sha256="0" * 64)


def test_a_decision_is_made_once(quarter_warehouse: Warehouse, published: Version) -> None:
    for decide in (approve_draft, publish_version):
        with pytest.raises(QuarterError, match="version 1 is published"):
            decide(quarter_warehouse, published.quarter, by="hoa")
    with pytest.raises(QuarterError, match="version 1 is published"):
        reject_draft(quarter_warehouse, published.quarter, by="hoa", reason="Too late.")


def test_a_rejected_draft_leaves_its_reason_and_its_number(
    quarter_warehouse: Warehouse, draft: Version, keeper: Connection
) -> None:
    with pytest.raises(QuarterError, match="A rejection needs a reason"):
        reject_draft(quarter_warehouse, draft.quarter, by="minh", reason="  ")
    rejected = reject_draft(quarter_warehouse, draft.quarter, by="minh", reason="Branch 95 is missing.")
    assert (rejected.status, rejected.reason) == ("rejected", "Branch 95 is missing.")
    assert freeze_quarter(quarter_warehouse, draft.quarter, "lan").version.version == 2
    assert [found.status for found in read_versions(keeper, draft.quarter)] == ["rejected", "draft"]


def test_an_approval_can_be_withdrawn_before_publishing(quarter_warehouse: Warehouse, draft: Version) -> None:
    approve_draft(quarter_warehouse, draft.quarter, by="minh")
    reject_draft(quarter_warehouse, draft.quarter, by="hoa", reason="A late branch has come.")
    with pytest.raises(QuarterError, match="version 1 is rejected"):
        publish_version(quarter_warehouse, draft.quarter, by="minh")


def test_publishing_the_next_version_supersedes_the_one_before_and_leaves_it_as_it_is(
    quarter_warehouse: Warehouse, marts: HandMadeMarts, published: Version, keeper: Connection
) -> None:
    quarter = published.quarter
    before = frozen_text(keeper, quarter, 1)
    marts.show(
        state("58", quarter.last_on, scale=2),
        state("96", quarter.last_on, scale=10),
        deliveries=[("58", quarter.last_on, 2)],
    )
    assert freeze_quarter(quarter_warehouse, quarter, "lan").version.version == 2
    approve_draft(quarter_warehouse, quarter, by="minh")
    publish_version(quarter_warehouse, quarter, by="minh")
    assert [(found.version, found.status) for found in read_versions(keeper, quarter)] == [
        (1, "superseded"),
        (2, "published"),
    ]
    assert log_of(keeper, quarter)[-2:] == [(2, "published", "minh"), (1, "superseded", "minh")]
    assert frozen_text(keeper, quarter, 1) == before
    assert check_draft_is_refused(quarter_warehouse, quarter)


def frozen_text(connection: Connection, quarter: Quarter, version: int) -> list[tuple[object, ...]]:
    query = "select t::text from quarters.branch_scorecard as t where quarter_code = %s and version = %s order by 1"
    return connection.execute(query, [quarter.code, version]).fetchall()


def check_draft_is_refused(warehouse: Warehouse, quarter: Quarter) -> bool:
    with pytest.raises(QuarterError, match="draft or approved does not exist"):
        check_draft(warehouse, quarter)
    return True


STATEMENTS = (
    "update quarters.{} set version = version",
    "delete from quarters.{}",
    "truncate quarters.{}",
    "drop table quarters.{}",
    "alter table quarters.{} disable trigger all",
)


@pytest.mark.parametrize("table", ["quarter_close", "loan_balances", "national_scorecard"])
@pytest.mark.parametrize("role", ["loader", "transformer", "quarter_keeper", "airflow"])
def test_no_role_that_logs_in_can_change_what_is_frozen(
    quarter_warehouse: Warehouse, standing: Version, role: Role, table: str
) -> None:
    for statement in STATEMENTS:
        with quarter_warehouse.connect("admin") as connection:
            connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.RaiseException)):
                connection.execute(statement.format(table))  # type: ignore[arg-type]


@pytest.mark.parametrize("table", ["quarter_close", *COLUMNS])
def test_even_the_owner_of_the_tables_is_refused(quarter_warehouse: Warehouse, standing: Version, table: str) -> None:
    for statement in STATEMENTS[:3]:
        with (
            quarter_warehouse.connect("admin") as connection,
            pytest.raises(psycopg.errors.RaiseException, match="only grows"),
        ):
            connection.execute(statement.format(table))  # type: ignore[arg-type]


def test_no_row_can_be_added_to_a_version_that_is_frozen(standing: Version, keeper: Connection) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match=r"Version 1 of .* is frozen"):
        keeper.execute(
            "insert into quarters.organisations (quarter_code, version, branch_code) values (%s, 1, '58')",
            [standing.quarter.code],
        )


def test_rows_that_no_freeze_wrote_stop_the_freeze(
    quarter_warehouse: Warehouse, delivered: Quarter, draft: Version, keeper: Connection
) -> None:
    reject_draft(quarter_warehouse, delivered, by="minh", reason="To plant a row.")
    keeper.execute("insert into quarters.organisations (quarter_code, version) values (%s, 2)", [delivered.code])
    keeper.commit()
    with pytest.raises(QuarterError, match=r"quarters\.organisations holds 1 rows of .* version 2 already"):
        freeze_quarter(quarter_warehouse, delivered, "lan")


def test_bi_roles_see_what_was_published_and_nothing_else(
    quarter_warehouse: Warehouse, draft: Version, reading_as: Callable[[str, str], Connection]
) -> None:
    quarter = draft.quarter
    analyst = reading_as("bi_reader", "analyst")
    for table in ("quarter_close", "versions", *COLUMNS):
        assert versions_seen(analyst, table, quarter) == [], table
    approve_draft(quarter_warehouse, quarter, by="minh")
    assert versions_seen(analyst, "branch_scorecard", quarter) == []
    publish_version(quarter_warehouse, quarter, by="minh")
    analyst.commit()
    for table in ("quarter_close", "versions", *COLUMNS):
        if table != "lending_flows":
            assert versions_seen(analyst, table, quarter) == [1], table
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        analyst.execute("insert into quarters.organisations (quarter_code, version) values ('2050Q1', 1)")


def test_a_branch_reader_sees_its_own_branch_by_the_territory_of_today(
    quarter_warehouse: Warehouse, marts: HandMadeMarts, quarter: Quarter, reading_as: Callable[[str, str], Connection]
) -> None:
    marts.show(state("58", quarter.last_on, current_branch="56"), state("96", quarter.last_on))
    freeze_quarter(quarter_warehouse, quarter, None)
    approve_draft(quarter_warehouse, quarter, by="minh")
    publish_version(quarter_warehouse, quarter, by="minh")
    own, nobody = reading_as("branch_reader", "khanh_hoa"), reading_as("branch_reader", "nobody_yet")
    with quarter_warehouse.connect("admin") as connection:
        connection.execute("insert into meta.branch_access values ('khanh_hoa', '56') on conflict do nothing")
    query = "select branch_code from quarters.branch_scorecard where quarter_code = %s"
    own.commit()
    own.execute("set role khanh_hoa")
    assert own.execute(query, [quarter.code]).fetchall() == [("58",)]
    assert nobody.execute(query, [quarter.code]).fetchall() == []
    assert versions_seen(nobody, "national_scorecard", quarter) == [1]
