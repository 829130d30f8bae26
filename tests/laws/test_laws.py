"""Every law is green on a good warehouse, and each is seen red: broken on purpose, by someone who may do everything."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contract.model import load_datasets
from ingestion.store import Store
from pipeline.branch import publish_branch, verify_branch
from pipeline.build import build
from pipeline.cli import main
from pipeline.intake import load_pending, validate_pending
from pipeline.laws import TITLES, LawResult, check_laws, check_snapshot
from tests.support.deliveries import first_delivery, repay
from tests.support.warehouses import (
    copy_warehouse,
    environment,
    new_warehouse,
    remove_warehouse,
    run_short_night,
    without_great_expectations,
)
from warehouse.connect import Connection, Warehouse

FIRST, SECOND, SECOND_AGAIN, HELD, OTHER_BRANCH = range(1, 6)
"""The deliveries of the model, in the order in which they are registered."""


@pytest.fixture(scope="module")
def model(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A warehouse with two branches, a superseded revision, a held delivery and a refused folder."""
    filled = new_warehouse(warehouse, tmp_path_factory.mktemp("model"))
    landing = Path(filled.settings.landing)
    first = first_delivery()
    second = repay(first.next("2025-09-29"), 1, 1_000_000)
    descriptor = (second.write(landing) / "datapackage.json").read_bytes()
    again = repay(second.revise(hashlib.sha256(descriptor).hexdigest()), 3, 500_000)
    held = repay(again.next("2025-09-30"), 2, 250_000)
    held.rows["loan_book"][3]["interest_due_vnd"] = 1
    held.rows["capital_positions"][0]["balance_vnd"] += 7
    refused = first_delivery("58", "2024-03-30")
    refused.manifest["currencyUnit"] = "triệu đồng"
    with without_great_expectations():
        for night in (
            [first, second],
            [again],
            [held],
            [first_delivery("58", "2024-03-30"), replace(refused, date="2024-03-31")],
        ):
            for delivery in night:
                delivery.write(landing)
            run_short_night(filled)
    with filled.connect("admin") as connection:
        verdicts = connection.execute("select delivery_id, verdict from meta.ledger order by entry_no").fetchall()
    published = {FIRST, SECOND, SECOND_AGAIN, OTHER_BRANCH}
    assert set(verdicts) == {*((number, "published") for number in published), (HELD, "held"), (None, "refused")}
    yield filled
    remove_warehouse(filled)


@pytest.fixture
def copy(model: Warehouse, tmp_path: Path) -> Iterator[Warehouse]:
    copied = copy_warehouse(model, tmp_path / "home")
    yield copied
    remove_warehouse(copied)


def broken(results: list[LawResult]) -> dict[int, list[str]]:
    return {result.number: result.violations for result in results if not result.holds}


def test_every_law_holds_on_a_good_warehouse_and_was_checked_on_something(model: Warehouse) -> None:
    results = check_laws(model)
    assert [result.number for result in results] == list(TITLES)
    assert {result.number: result.violations for result in results if result.violations} == {}
    assert all(result.checked > 0 for result in results if result.number in (1, 2, 3, 4, 5, 9, 10))


def as_superuser(connection: Connection, *statements: str) -> None:
    """Change what cannot be changed, leaving the triggers as they were."""
    for statement in statements:
        connection.execute("set session_replication_role = replica")
        connection.execute(statement)  # type: ignore[call-overload]
        connection.execute("set session_replication_role = origin")


REPEATED_ENTRY = """
    insert into meta.ledger (branch_code, branch_valid_from, business_date, revision, delivery_id, verdict, sets_visible,
        visible_delivery_id, opening, reason, detail)
    select branch_code, branch_valid_from, business_date, revision, delivery_id, verdict, sets_visible, visible_delivery_id,
        opening, reason, detail
    from meta.ledger where {}
"""
TWO_AT_ONCE = """
    create or replace view meta.visible_deliveries as
    select d.branch_code, d.branch_valid_from, d.business_date, d.delivery_id, d.revision, d.previous_business_date,
        'published' as verdict, false as is_provisional, d.received_at as published_at, d.offices_expected,
        d.offices_delivered, null::bigint[] as opening
    from meta.deliveries as d where d.delivery_id in (1, 2, 3, 5)
"""
FAKE_BUILD = """
    insert into meta.builds (build_id, ledger_entry_no, reference_version, calculation_version, is_last, flipped_at)
    overriding system value values (1, (select max(entry_no) from meta.ledger), '', '', true, {flipped});
    insert into meta.current_units (part, branch_code, business_date, build_id, delivery_id, fingerprint)
    values ('state', '96', '2025-09-29', 1, {state}, ''), ('flows', '96', '2025-09-29', 1, {flows}, '')
"""

BREAKS: dict[str, tuple[set[int], str, tuple[str, ...]]] = {
    "a held delivery would pass now": (
        {1}, "deciding again says published", (
            "update meta.openings set errors = 0 where delivery_id = 4",),
    ),
    "a published delivery was measured wrong": (
        {1, 10}, "deciding again says held", ("update meta.openings set errors = 1 where delivery_id = 3",)
    ),
    "a personal row is gone": ({2}, "6 rows were delivered, readers see 5", ("delete from personal.customers_d1 where row_no = 6",)),
    "a row is gone": ({2}, "readers see 3", ("delete from raw.capital_positions_rows where delivery_id = 5 and row_no = 4",)),
    "a row is doubled and another gone": (
        {2}, "keys that readers see are not", (
            "delete from raw.savings_groups_rows where delivery_id = 1 and row_no = 2",
            "insert into raw.savings_groups_rows select * from raw.savings_groups_rows where delivery_id = 1"),
    ),
    "one đồng of interest is gone": (
        {2}, "interest_due_vnd: 600000 đồng were delivered, readers see 599999",
        ("update raw.loan_book_d1 set interest_due_vnd = interest_due_vnd - 1 where row_no = 2",),
    ),
    "the figures on record are not those of the manifest": (
        {2}, "the stored manifest declares other figures",
        ("update meta.delivery_files set key_checksum = key_checksum + 1 where delivery_id = 3 and dataset = 'deposits'",),
    ),
    "a loan is gone": ({2, 9}, "readers see 5", ("delete from raw.loan_book_d3 where row_no = 6",)),
    "rows stand under another date": (
        {3}, "under another branch or date", ("update raw.deposits_rows set business_date = '2025-09-28' where delivery_id = 3",)
    ),
    "a view shows superseded rows too": (
        {3}, "it is not what the ledger shows", ("create or replace view raw.deposits as select * from raw.deposits_rows",)
    ),
    "parts of a mart come from two deliveries": (
        {3}, "built from different deliveries", (FAKE_BUILD.format(flipped="now()", state=SECOND_AGAIN, flows=SECOND),)
    ),
    "a mart shows a superseded delivery": (
        {3}, "but 3 was visible to build 1", (FAKE_BUILD.format(flipped="now()", state=SECOND, flows=SECOND),)
    ),
    "a build is seen that never flipped": (
        {3}, "which never flipped", (FAKE_BUILD.format(flipped="null", state=SECOND_AGAIN, flows=SECOND_AGAIN),)
    ),
    "two revisions are visible": ({4}, "deliveries {2,3} are visible at once", (TWO_AT_ONCE,)),
    "an entry was rewritten": ({5}, "it was changed after", ("update meta.ledger set reason = 'fine' where entry_no = 2",)),
    "an entry was taken out": ({5}, "entries before it are missing", ("delete from meta.ledger where verdict = 'refused'",)),
    "the last entry was taken out": (
        {5}, "the ledger does not know it", (
            "delete from meta.ledger where entry_no >= (select entry_no from meta.ledger where delivery_id = 4)",),
    ),
    "an entry was told twice": ({5}, "repeats what its entry before says", (REPEATED_ENTRY.format("delivery_id = 5"),)),
    "one look was told twice": ({5}, "tell of one look", (REPEATED_ENTRY.format("verdict = 'refused'"),)),
    "the ledger may be changed": ({5}, "it is switched off", ("alter table meta.ledger disable trigger only_grows",)),
    "deliveries may be changed": ({5}, "it is not there", ("drop trigger only_grows on meta.deliveries",)),
    "nothing chains new entries": (
        {5}, "it does something else", (
            "create or replace trigger chain before insert on meta.ledger for each row execute function meta.refuse_change()",),
    ),
    "the loader may rewrite the ledger": ({5}, "it may change", ("grant update on meta.ledger to loader",)),
    "money moved between two loans": (
        {9}, "is not closing", (
            "update raw.loan_book_d3 set in_term_vnd = in_term_vnd + 5 where row_no = 1",
            "update raw.loan_book_d3 set in_term_vnd = in_term_vnd - 5 where row_no = 3"),
    ),
    "money moved between two sources of capital": (
        {9}, "is not closing", (
            "update raw.capital_positions_rows set balance_vnd = balance_vnd + 5 where delivery_id = 3 and row_no = 1",
            "update raw.capital_positions_rows set balance_vnd = balance_vnd - 5 where delivery_id = 3 and row_no = 2"),
    ),
    "something visible has an error": (
        {10}, "findings that are errors",
        ("insert into meta.findings (delivery_id, rule, severity, message) values (3, 'x', 'error', 'x')",),
    ),
    "a check of something visible could not run": (
        {1, 10}, "a check could not run", ("update meta.intakes set could_not_run = 'no answer' where delivery_id = 3",)
    ),
    "a measurement is lacking": (
        {1, 10}, "never measured", ("delete from meta.openings where delivery_id = 3",)
    ),
    "an entry shows a delivery of another branch": (
        {1, 4, 10}, "it shows delivery", (
            REPEATED_ENTRY.format("delivery_id = 5").replace("visible_delivery_id,\n        opening", "3,\n        opening"),),
    ),
    "a law cannot be checked": ({5}, "could not run", ("alter function meta.ledger_hash rename to gone",)),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_a_law_that_is_broken_is_red(model: Warehouse, name: str) -> None:
    laws, sentence, statements = BREAKS[name]
    with model.connect("admin") as connection:
        if any("insert into meta.ledger" in statement for statement in statements):
            for statement in statements:
                connection.execute(statement)  # type: ignore[call-overload]
        else:
            as_superuser(connection, *statements)
        red = broken(check_snapshot(connection, Store(model.settings.store)))
        connection.rollback()
    assert set(red) == laws, red
    assert any(sentence in violation for violation in red[max(laws)] + red[min(laws)]), red


@pytest.fixture(scope="module")
def built(model: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """The same with a branch at a month's end, and with the marts of all."""
    copied = copy_warehouse(model, tmp_path_factory.mktemp("built"))
    first_delivery("04", "2025-08-31").write(Path(copied.settings.landing))
    with without_great_expectations():
        run_short_night(copied)
    build(copied)
    yield copied
    remove_warehouse(copied)


MONTH_END = 6
"""The delivery of the branch at a month's end."""
STATES = [f"delete from raw.{name}_rows where delivery_id = {MONTH_END}" for name, dataset in load_datasets().items()
          if dataset.kind == "full"]  # fmt: skip

MART_BREAKS: dict[str, tuple[int, str, tuple[str, ...]]] = {
    "capital in a mart is not what was delivered": (
        2, "balance_vnd: it has 375000004, delivery 6 has 375000000",
        ("update mart_builds.mart_capital_sources set balance_vnd = balance_vnd + 1",),
    ),
    "debt in a mart stands in another bucket": (
        2, "overdue_vnd: it has",
        ("update mart_builds.mart_loan_balances set in_term_vnd = in_term_vnd - 1, overdue_vnd = overdue_vnd + 1",),
    ),
    "a part of a branch and date is not shown": (
        3, "flows of branch 96 on 2025-09-29: build", ("delete from meta.current_units where part = 'flows'",)
    ),
    "nothing is shown of the nation": (3, "nation of branch *", ("delete from meta.current_units where part = 'nation'",)),
    "a scorecard is lost": (8, "outstanding is 0 as reported", ("delete from mart_builds.mart_branch_scorecard",)),
    "a month's end was retired": (
        2, "customers: 6 rows were delivered, readers see 0",
        (f"update meta.loads set retired_at = now() where delivery_id = {MONTH_END}", *STATES,
         f"delete from personal.customers_rows where delivery_id = {MONTH_END}"),
    ),
}  # fmt: skip


def test_every_law_holds_when_the_marts_are_built(built: Warehouse) -> None:
    assert broken(check_laws(built)) == {}


@pytest.mark.parametrize("name", MART_BREAKS)
def test_a_law_that_is_broken_in_a_mart_is_red(built: Warehouse, name: str) -> None:
    law, sentence, statements = MART_BREAKS[name]
    with built.connect("admin") as connection:
        as_superuser(connection, *statements)
        red = broken(check_snapshot(connection, Store(built.settings.store)))
        connection.rollback()
    assert list(red) == [law], red
    assert any(sentence in violation for violation in red[law]), red


LATEST = "select stored_sha256 from meta.delivery_files where delivery_id = {} and dataset = 'loan_book'"


@pytest.mark.parametrize("damage", ["hidden", "changed"])
@pytest.mark.parametrize(
    "query",
    [
        LATEST.format(SECOND),
        LATEST.format(HELD),
        "select detail -> 'kept' ->> 'datapackage.json' from meta.ledger where verdict = 'refused'",
    ],
    ids=["superseded", "held", "refused"],
)
def test_bytes_of_what_is_not_visible_must_stay(model: Warehouse, query: str, damage: str) -> None:
    with model.connect("admin") as connection:
        row = connection.execute(query).fetchone()  # type: ignore[call-overload]
    path = Store(model.settings.store).path(row[0])
    aside = path.rename(path.with_suffix(".aside"))
    try:
        if damage == "changed":
            path.write_bytes(aside.read_bytes()[:-1] + b"?")
        assert list(broken(check_laws(model))) == [4]
    finally:
        aside.replace(path)


def test_the_laws_hold_after_every_step_of_a_night(copy: Warehouse) -> None:
    repay(first_delivery("58", "2024-03-30").next("2024-04-01"), 1, 1000).write(Path(copy.settings.landing))
    with without_great_expectations():
        for step in (verify_branch, load_pending, validate_pending, publish_branch):
            step(copy, "58")  # type: ignore[operator]
            assert broken(check_laws(copy)) == {}, step.__name__


def test_the_command_lists_the_laws_and_says_by_its_exit_code_whether_all_hold(
    copy: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment(copy).items():
        monkeypatch.setenv(name, value)
    assert main(["laws", "--json"]) == 0
    assert [law["law"] for law in json.loads(capsys.readouterr().out)] == list(TITLES)
    with copy.connect("admin") as connection:
        connection.execute("delete from raw.deposits_rows where delivery_id = 1")
    assert main(["laws"]) == 1
    shown = capsys.readouterr().out
    assert "Law 2  BROKEN 1 times" in shown
    assert "delivery 1, deposits: 2 rows were delivered, readers see 0." in shown
