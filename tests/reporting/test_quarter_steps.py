"""The steps as the DAG and the command line call them, on hand-made marts: who decides, what is said, what is returned."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import pytest

from pipeline import cli, quarter_steps
from reporting.quarter import Quarter, QuarterError
from reporting.quarter_log import read_versions
from tests.support.quarters import HandMadeMarts, state
from warehouse.connect import Warehouse

SCHEDULED, BY_LAN = ("scheduled", None), ("manual", "lan")


@pytest.fixture(autouse=True)
def _hand_made(quarter_warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process's warehouse is the one with hand-made marts, which dbt does not build."""
    monkeypatch.setenv("WAREHOUSE_HOME", str(quarter_warehouse.settings.home))
    monkeypatch.setenv("WAREHOUSE_URL", quarter_warehouse.admin_url)
    monkeypatch.setattr("pipeline.quarter.build", lambda *_, **__: None)


@pytest.fixture
def draft(delivered: Quarter) -> list[Any]:
    return freeze(delivered, BY_LAN)


def freeze(quarter: Quarter, run: tuple[str, str | None]) -> list[Any]:
    found = quarter_steps.freeze_quarter(quarter.code, dt.datetime.now(dt.UTC), *run)
    assert found is not None
    return found


def response(person: str, option: str = "Approve", reason: str = "") -> dict[str, Any]:
    """What Airflow hands on of a person's answer."""
    user = {"id": "7", "name": person}
    return {"chosen_options": [option], "params_input": {"reason": reason}, "responded_by_user": user}


def test_a_scheduled_run_freezes_the_quarter_that_had_ended_in_vietnam(
    marts: HandMadeMarts, quarter_warehouse: Warehouse, delivered: Quarter
) -> None:
    last_evening_in_london = dt.datetime.combine(delivered.last_on, dt.time(18), dt.UTC)
    assert quarter_steps.freeze_quarter(None, last_evening_in_london, *SCHEDULED) == [delivered.code, 1]
    with quarter_warehouse.connect("quarter_keeper") as connection:
        (found,) = read_versions(connection, delivered)
    assert (found.by, found.requested_by) == ("schedule", None)


def test_a_run_by_hand_of_nobody_known_is_nobodys_and_anybody_else_may_approve_it(
    quarter_warehouse: Warehouse, delivered: Quarter
) -> None:
    draft = freeze(delivered, ("manual", None))
    quarter_steps.decide_quarter(draft, "manual", None, response("minh"))
    assert quarter_steps.status_of(*draft) == "approved"


def test_who_started_the_run_cannot_approve_what_the_schedule_froze_before(delivered: Quarter) -> None:
    freeze(delivered, SCHEDULED)
    draft = freeze(delivered, BY_LAN)
    with pytest.raises(QuarterError, match="started this run by hand and cannot approve"):
        quarter_steps.decide_quarter(draft, *BY_LAN, response(" lan "))
    assert quarter_steps.status_of(*draft) == "draft"


def test_who_started_the_run_may_reject_it_but_not_without_a_reason(draft: list[Any]) -> None:
    with pytest.raises(QuarterError, match="needs a reason"):
        quarter_steps.decide_quarter(draft, *BY_LAN, response("lan", "Reject"))
    quarter_steps.decide_quarter(draft, *BY_LAN, response("lan", "Reject", "Wrong quarter."))
    assert quarter_steps.status_of(*draft) == "rejected"


def test_publishing_again_after_a_crash_changes_nothing(draft: list[Any], quarter_warehouse: Warehouse) -> None:
    quarter_steps.decide_quarter(draft, *BY_LAN, response("minh"))
    quarter_steps.publish_quarter(*draft)
    quarter_steps.publish_quarter(*draft)
    with quarter_warehouse.connect("quarter_keeper") as connection:
        log = connection.execute(
            "select status from quarters.quarter_close where quarter_code = %s order by at", draft[:1]
        )
        assert log.fetchall() == [("draft",), ("approved",), ("published",)]


def test_a_run_for_what_is_published_already_has_nothing_to_do(draft: list[Any], delivered: Quarter) -> None:
    quarter_steps.decide_quarter(draft, *BY_LAN, response("minh"))
    quarter_steps.publish_quarter(*draft)
    assert quarter_steps.freeze_quarter(delivered.code, dt.datetime.now(dt.UTC), *BY_LAN) is None


def test_the_person_asked_sees_checksum_completeness_and_the_quarter_before(draft: list[Any]) -> None:
    quarter_steps.check_quarter(*draft)
    shown = quarter_steps.describe_draft(*draft)
    assert re.search(r"Checksum `[0-9a-f]{64}`", shown)
    assert "2 of 63 branches are published; missing: 01, " in shown
    assert "- branch 96: outstanding 800,000,000 đồng, " in shown


def test_a_draft_that_breaks_an_equation_fails_the_check(marts: HandMadeMarts, delivered: Quarter) -> None:
    marts.change(f"update marts.mart_capital_mix set local_vnd = 0 where business_date = '{delivered.last_on}'")
    draft = freeze(delivered, SCHEDULED)
    with pytest.raises(QuarterError, match="is rejected: sources make the capital: branch 58: local_vnd is 0"):
        quarter_steps.check_quarter(*draft)
    assert quarter_steps.status_of(*draft) == "rejected"


def quarter(*words: str) -> int:
    return cli.main(["quarter", *words])


def test_the_command_line_closes_a_quarter(delivered: Quarter, capsys: pytest.CaptureFixture[str]) -> None:
    code = delivered.code
    assert quarter("freeze", code, "--by", "lan") == 0
    shown = capsys.readouterr().out
    assert f"Frozen: {code} version 1, checksum " in shown
    assert "  branch_scorecard             2 rows  " in shown
    assert "Every equation holds." in shown
    assert quarter("publish", code) == 1
    assert "Refused: A version of" in capsys.readouterr().out
    assert quarter("approve", code, "--by", "minh", "--reason", "Seen.") == 0
    assert quarter("publish", code, "--by", "minh") == 0
    capsys.readouterr()
    assert quarter("freeze", code) == 0
    assert capsys.readouterr().out.startswith(f"Unchanged: {code} version 1 (published) has this content already")
    assert quarter("list", code, "--json") == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["quarter"], listed["version"], listed["status"], listed["by"]) == (code, 1, "published", "minh")
    assert quarter("list", code) == 0
    assert f"{code} version 1   published" in capsys.readouterr().out
    assert quarter("restatement", code, "--json") == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_draft_that_its_checks_reject_is_exit_code_1(
    marts: HandMadeMarts, delivered: Quarter, capsys: pytest.CaptureFixture[str]
) -> None:
    marts.change(f"update marts.mart_branch_scorecard set loans = 4 where business_date = '{delivered.last_on}'")
    assert quarter("freeze", delivered.code) == 1
    shown = capsys.readouterr().out
    assert (
        "BROKEN loan balances make the scorecard: branch 58: loans is 4 in the scorecard and 3 in the loan balances"
        in shown
    )
    assert f"{delivered.code} version 1 is rejected by its checks." in shown


def test_a_long_restatement_is_cut_and_says_so(
    marts: HandMadeMarts, delivered: Quarter, capsys: pytest.CaptureFixture[str]
) -> None:
    for step in (("freeze", "--by", "lan"), ("approve", "--by", "minh"), ("publish", "--by", "minh")):
        assert quarter(step[0], delivered.code, *step[1:]) == 0
    marts.show(state("58", delivered.last_on, scale=3), state("96", delivered.last_on, scale=11), deliveries=[
        ("58", delivered.last_on, 2), ("96", delivered.last_on, 2),
    ])  # fmt: skip
    capsys.readouterr()
    assert quarter("restatement", delivered.code) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("corrected delivery: the nation: national_scorecard.")
    assert re.fullmatch(r"\.\.\. and [0-9]+ more; every figure is in quarters\.restatement\.", lines[-1])


@pytest.mark.parametrize("words", [["freeze"], ["freeze", "2025Q5"], ["reject", "2025Q3"], ["close", "2025Q3"], []])
def test_wrong_usage_is_exit_code_64(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        quarter(*words)
    assert ended.value.code == 64
