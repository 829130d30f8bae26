"""Freezing a quarter: what is copied, what is recorded, and when nothing is frozen."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from psycopg import sql

from reporting.quarter import Quarter, QuarterError, parse_quarter, quarter_before
from reporting.quarter_decide import approve_draft, publish_version, reject_draft
from reporting.quarter_freeze import freeze_quarter
from reporting.quarter_log import Version, read_inputs, read_versions
from tests.support.quarters import COLUMNS, HandMadeMarts, make_rows, state
from warehouse.connect import Warehouse


def rows(warehouse: Warehouse, table: str, version: Version, columns: str) -> list[tuple[Any, ...]]:
    with warehouse.connect("quarter_keeper") as connection:
        query = sql.SQL("select {} from {} where quarter_code = %s and version = %s order by 1, 2").format(
            sql.SQL(columns),  # type: ignore[arg-type]
            sql.Identifier("quarters", table),
        )
        return connection.execute(query, [version.quarter.code, version.version]).fetchall()


def inputs_of(warehouse: Warehouse, version: Version) -> dict[str, Any]:
    with warehouse.connect("quarter_keeper") as connection:
        return read_inputs(connection, version)


def test_a_quarter_knows_its_days_and_its_neighbours() -> None:
    quarter = parse_quarter("2025Q4")
    assert (quarter.first_on, quarter.last_on) == (dt.date(2025, 10, 1), dt.date(2025, 12, 31))
    assert [quarter.next().code, quarter.previous().code] == ["2026Q1", "2025Q3"]
    assert quarter_before(dt.date(2025, 10, 5)).code == "2025Q3"
    assert quarter_before(dt.date(2025, 12, 31)).code == "2025Q3"
    assert quarter_before(dt.date(2026, 1, 1)).code == "2025Q4"


@pytest.mark.parametrize("code", ["2025", "2025Q5", "2025q3", "25Q3", "2025Q3 ", "0000Q1"])
def test_what_is_no_quarter_is_refused(code: str) -> None:
    with pytest.raises(QuarterError, match="is not a quarter"):
        parse_quarter(code)


def test_a_draft_holds_the_states_of_the_last_day_and_nothing_of_other_days(
    quarter_warehouse: Warehouse, marts: HandMadeMarts, quarter: Quarter
) -> None:
    day_before = quarter.last_on - dt.timedelta(days=1)
    marts.show(state("58", quarter.last_on), state("96", quarter.last_on, scale=10), state("58", day_before, scale=7))
    draft = freeze_quarter(quarter_warehouse, quarter, "lan").version
    assert (draft.status, draft.version, draft.by, draft.requested_by) == ("draft", 1, "lan", "lan")
    frozen = rows(quarter_warehouse, "branch_scorecard", draft, "branch_code, outstanding_vnd, business_date")
    assert frozen == [("58", 80_000_000, quarter.last_on), ("96", 800_000_000, quarter.last_on)]
    assert rows(quarter_warehouse, "national_scorecard", draft, "outstanding_vnd, loans") == [(880_000_000, 6)]


def test_flows_are_frozen_by_value_date_whichever_delivery_brought_them(
    quarter_warehouse: Warehouse, marts: HandMadeMarts, quarter: Quarter
) -> None:
    day = dt.timedelta(days=1)
    first, last = quarter.first_on, quarter.last_on
    marts.show(
        state("58", last, flows=[(first - day, 1, 0), (first, 2, 0), (last, 4, 0)]),
        state("96", last + day, flows=[(last, 8, 0), (last + day, 16, 0)]),
    )
    draft = freeze_quarter(quarter_warehouse, quarter, None).version
    assert rows(quarter_warehouse, "lending_flows", draft, "branch_code, value_date, disbursed_vnd") == [
        ("58", first, 2), ("58", last, 4), ("96", last, 8),
    ]  # fmt: skip


def test_the_version_of_a_plan_is_not_taken_for_the_version_of_the_quarter(
    quarter_warehouse: Warehouse, delivered: Quarter
) -> None:
    draft = freeze_quarter(quarter_warehouse, delivered, None).version
    assert rows(quarter_warehouse, "target_progress", draft, "plan_id, plan_version, version")[0] == ("P58", 2, 1)


def test_every_table_of_the_contract_is_frozen_with_its_marts_columns(
    quarter_warehouse: Warehouse, delivered: Quarter
) -> None:
    draft = freeze_quarter(quarter_warehouse, delivered, None).version
    recorded = inputs_of(quarter_warehouse, draft)["tables"]
    assert sorted(recorded) == sorted(COLUMNS)
    for name, declared in COLUMNS.items():
        columns = [column.split()[0] for column in declared.replace("(38, 6)", "").split(", ")]
        assert recorded[name]["columns"] == sorted("plan_version" if c == "version" else c for c in columns)


def test_a_draft_says_what_it_was_made_from(
    quarter_warehouse: Warehouse, marts: HandMadeMarts, quarter: Quarter
) -> None:
    marts.show(state("58", quarter.last_on), state("96", quarter.last_on), deliveries=[
        ("58", quarter.last_on, 1), ("58", quarter.last_on, 3), ("96", quarter.last_on, 1),
        ("58", quarter.next().first_on, 1),
    ])  # fmt: skip
    inputs = inputs_of(quarter_warehouse, freeze_quarter(quarter_warehouse, quarter, None).version)
    used = {(d["branch_code"], d["business_date"], d["revision"]) for d in inputs["deliveries"]}
    last_day = {found for found in used if found[1] >= quarter.first_on.isoformat()}
    assert last_day == {("58", quarter.last_on.isoformat(), 3), ("96", quarter.last_on.isoformat(), 1)}
    assert all(len(d["content_sha256"]) == 64 and len(d["descriptor_sha256"]) == 64 for d in inputs["deliveries"])
    assert {"branches", "communes", "programmes", "capital_sources"} <= inputs["reference"].keys()
    assert len(inputs["code"]["version"]) == 64
    assert {"dbt", "postgresql"} <= inputs["code"].keys()


def test_missing_and_provisional_branches_are_named(
    quarter_warehouse: Warehouse, marts: HandMadeMarts, quarter: Quarter
) -> None:
    marts.show(state("58", quarter.last_on, is_provisional=True), state("96", quarter.last_on))
    draft = freeze_quarter(quarter_warehouse, quarter, None).version
    completeness = inputs_of(quarter_warehouse, draft)["completeness"]
    assert draft.reason.startswith("2 of 63 branches are published; missing: 01, ")
    assert draft.reason.endswith("; provisional: 58.")
    assert completeness["provisional"] == ["58"]
    assert len(completeness["missing"]) == 61
    assert not {"58", "96"} & set(completeness["missing"])


def test_a_quarter_of_which_nothing_is_delivered_is_not_frozen(
    quarter_warehouse: Warehouse, marts: HandMadeMarts, quarter: Quarter
) -> None:
    marts.build()
    with pytest.raises(QuarterError, match=f"No branch has published {quarter.last_on}"):
        freeze_quarter(quarter_warehouse, quarter, None)


def test_marts_that_are_built_in_part_are_not_frozen(
    quarter_warehouse: Warehouse, marts: HandMadeMarts, delivered: Quarter
) -> None:
    marts.build(is_last=False)
    with pytest.raises(QuarterError, match="built in part"):
        freeze_quarter(quarter_warehouse, delivered, None)
    marts.build()
    assert freeze_quarter(quarter_warehouse, delivered, None).version.status == "draft"


def test_a_mart_that_is_lacking_is_named_and_nothing_is_frozen(
    quarter_warehouse: Warehouse, marts: HandMadeMarts, delivered: Quarter
) -> None:
    marts.change("alter table marts.mart_organisations rename to mart_other")
    try:
        with pytest.raises(QuarterError, match=r"There is no marts\.mart_organisations"):
            freeze_quarter(quarter_warehouse, delivered, None)
    finally:
        marts.change("alter table marts.mart_other rename to mart_organisations")
    with quarter_warehouse.connect("quarter_keeper") as connection:
        assert read_versions(connection, delivered) == []


def test_a_column_that_changed_its_type_stops_the_freeze(
    quarter_warehouse: Warehouse, marts: HandMadeMarts, delivered: Quarter
) -> None:
    freeze_quarter(quarter_warehouse, delivered, None)
    marts.change("alter table marts.mart_organisations alter groups type numeric")
    try:
        with pytest.raises(QuarterError, match=r"mart_organisations\.groups is now numeric"):
            freeze_quarter(quarter_warehouse, delivered, None)
    finally:
        marts.change("alter table marts.mart_organisations alter groups type bigint")


def test_freezing_the_same_content_again_says_so_and_writes_nothing(
    quarter_warehouse: Warehouse, delivered: Quarter
) -> None:
    first = freeze_quarter(quarter_warehouse, delivered, "lan")
    again = freeze_quarter(quarter_warehouse, delivered, "minh")
    assert (first.is_unchanged, again.is_unchanged) == (False, True)
    assert again.version == first.version
    approve_draft(quarter_warehouse, delivered, by="minh")
    published = publish_version(quarter_warehouse, delivered, by="minh")
    assert freeze_quarter(quarter_warehouse, delivered, None).version == published
    assert len(rows(quarter_warehouse, "branch_scorecard", published, "branch_code, version")) == 2


def test_a_quarter_has_one_draft_at_a_time(
    quarter_warehouse: Warehouse, marts: HandMadeMarts, delivered: Quarter
) -> None:
    freeze_quarter(quarter_warehouse, delivered, None)
    marts.show(state("58", delivered.last_on, scale=3), deliveries=[("58", delivered.last_on, 2)])
    with pytest.raises(QuarterError, match="version 1 is draft with other content"):
        freeze_quarter(quarter_warehouse, delivered, None)
    reject_draft(quarter_warehouse, delivered, by="minh", reason="A correction came.")
    assert freeze_quarter(quarter_warehouse, delivered, None).version.version == 2


def test_of_two_freezes_at_once_one_is_written(quarter_warehouse: Warehouse, delivered: Quarter) -> None:
    def freeze(_: int) -> str:
        try:
            return "unchanged" if freeze_quarter(quarter_warehouse, delivered, None).is_unchanged else "frozen"
        except QuarterError:
            return "refused"

    with ThreadPoolExecutor(2) as pool:
        came_to = sorted(pool.map(freeze, range(2)))
    assert came_to in (["frozen", "refused"], ["frozen", "unchanged"])
    with quarter_warehouse.connect("quarter_keeper") as connection:
        assert [found.version for found in read_versions(connection, delivered)] == [1]


def test_the_checksum_is_that_of_the_content_whatever_the_order_of_the_rows(
    quarter_warehouse: Warehouse, marts: HandMadeMarts, delivered: Quarter
) -> None:
    states = [state("58", delivered.last_on), state("96", delivered.last_on, scale=10)]
    before = freeze_quarter(quarter_warehouse, delivered, None).version
    reject_draft(quarter_warehouse, delivered, by="minh", reason="To see it again.")
    for name, made in make_rows(states).items():
        marts.replace(name, made[::-1], [delivered.last_on])
    after = freeze_quarter(quarter_warehouse, delivered, None).version
    assert (before.version, after.version) == (1, 2)
    assert before.content_sha256 == after.content_sha256


def test_one_dong_changes_the_checksum(quarter_warehouse: Warehouse, marts: HandMadeMarts, delivered: Quarter) -> None:
    before = freeze_quarter(quarter_warehouse, delivered, None).version
    reject_draft(quarter_warehouse, delivered, by="minh", reason="To change it.")
    marts.change(f"update marts.mart_target_progress set actual_value = 76 where business_date = '{delivered.last_on}'")
    assert freeze_quarter(quarter_warehouse, delivered, None).version.content_sha256 != before.content_sha256


def test_a_new_column_of_a_mart_is_frozen_from_then_on_and_changes_no_earlier_version(
    quarter_warehouse: Warehouse, marts: HandMadeMarts, delivered: Quarter
) -> None:
    freeze_quarter(quarter_warehouse, delivered, None)
    marts.change("alter table marts.mart_organisations add column borrowers bigint default 9")
    try:
        approve_draft(quarter_warehouse, delivered, by="minh")
        first = publish_version(quarter_warehouse, delivered, by="minh")
        second = freeze_quarter(quarter_warehouse, delivered, None).version
        assert "borrowers" in inputs_of(quarter_warehouse, second)["tables"]["organisations"]["columns"]
        assert "borrowers" not in inputs_of(quarter_warehouse, first)["tables"]["organisations"]["columns"]
        approve_draft(quarter_warehouse, delivered, by="minh")
        assert publish_version(quarter_warehouse, delivered, by="minh").version == 2
    finally:
        marts.change("alter table marts.mart_organisations drop column borrowers")
