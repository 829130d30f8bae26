"""Validation fails closed, keeps quiet and shows no values: whatever goes wrong, the delivery is held."""

from __future__ import annotations

import gc
import json
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contract.findings import no_findings
from contract.model import load_datasets
from expectations import details, gx_runner, run, validate, without_collecting
from expectations.catalogue import load_suite
from expectations.statements import Check, Suite
from tests.expectations.rows import GOOD_ROWS, make_delivery, vary
from warehouse.connect import Warehouse

CANARY = "Nguyễn Thị Hoàng Yến"


def suites(report: run.Report) -> dict[str, dict[str, Any]]:
    """The results by dataset."""
    return {suite["dataset"]: suite for suite in report.results["suites"]}


def test_a_missing_table_holds_the_delivery_and_the_other_suites_still_run(warehouse: Warehouse) -> None:
    rows = {"deposits": [vary("deposits", balance_vnd=-1)]}
    delivery_id = make_delivery(warehouse, rows, without="loan_book")
    report = validate(warehouse.url("loader"), delivery_id)
    assert report.could_not_run is not None
    assert report.could_not_run.startswith("loan_book: ")
    assert f"loan_book_d{delivery_id}" in report.could_not_run
    assert suites(report)["loan_book"]["could_not_run"]
    assert len(report.results["suites"]) == len(load_datasets())
    assert report.findings["dataset"].to_pylist() == ["deposits"]


def test_a_delivery_that_is_not_on_record_cannot_be_judged(warehouse: Warehouse) -> None:
    report = validate(warehouse.url("loader"), 10**9)
    assert report.could_not_run == "LookupError: delivery 1000000000 is not in meta.deliveries"
    assert report.results["delivery"] is None


def test_a_server_that_is_away_holds_the_delivery(warehouse: Warehouse) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    report = validate(f"postgresql://loader:secret-word@127.0.0.1:{port}/warehouse", 1)
    assert report.could_not_run is not None
    assert "secret-word" not in report.could_not_run
    assert report.findings.num_rows == 0


def replace_checks(monkeypatch: pytest.MonkeyPatch, holds: str) -> None:
    """Put a suite of one statement, about `holds`, in the place of every suite."""

    def suite(name: str) -> Suite:
        found = load_suite(name)
        check = Check("office_code", holds, "mend")
        return replace(found, statements=(replace(found.statements[0], checks=(check,)),))

    monkeypatch.setattr(run, "load_suite", suite)


@pytest.mark.parametrize("holds", ["row_no / 0 = 1", "no_such_column = 1", "row_no ="])
def test_sql_that_fails_inside_great_expectations_holds_the_delivery(
    holds: str, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_checks(monkeypatch, holds)
    delivery_id = make_delivery(warehouse, {"offices": [GOOD_ROWS["offices"]]})
    report = validate(warehouse.url("loader"), delivery_id, datasets=["offices"])
    assert report.could_not_run is not None
    assert report.could_not_run.startswith("offices: SuiteError: (psycopg2.errors.")


def test_the_reason_is_that_of_the_statement_that_fails(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """GX asks for each statement alone once the query for all has failed; the others must bear that."""
    good = load_suite("loan_transactions")
    wrong = replace(good.statements[0], name="wrong", checks=(Check("kind", "row_no / 0 = 1", "mend"),))
    monkeypatch.setattr(run, "load_suite", lambda _: replace(good, statements=(*good.statements, wrong)))
    for rows in ([], [vary("loan_transactions"), vary("loan_transactions")]):
        delivery_id = make_delivery(warehouse, {"loan_transactions": [*rows, vary("loan_transactions")]})
        report = validate(warehouse.url("loader"), delivery_id, datasets=["loan_transactions"])
        assert "division by zero" in str(report.could_not_run)


def test_a_connection_that_is_cut_holds_the_delivery(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_checks(monkeypatch, "(select pg_terminate_backend(pg_backend_pid()))")
    delivery_id = make_delivery(warehouse, {"offices": [GOOD_ROWS["offices"]]})
    assert validate(warehouse.url("loader"), delivery_id, datasets=["offices"]).could_not_run is not None


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"success": True, "result": {"observed_value": 1}}, "no clear result"),
        ({"success": False, "result": {"observed_value": 0}}, "no clear result"),
        ({"success": True, "result": {}}, "no clear result"),
        ({"success": True, "result": {"observed_value": None}}, "no clear result"),
        (RuntimeError("a fault of Great Expectations"), "a fault of Great Expectations"),
    ],
)
def test_an_answer_that_is_not_clear_holds_the_delivery(
    answer: Any, reason: str, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(*_: Any, **__: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(gx_runner.ExpectStatementToHold, "_validate", judge)
    report = validate(warehouse.url("loader"), make_delivery(warehouse), datasets=["offices"])
    assert reason in str(report.could_not_run)


def test_an_expectation_without_a_result_holds_the_delivery(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    expect = gx_runner._expect
    monkeypatch.setattr(gx_runner, "_expect", lambda *args: expect(*args).copy(update={"meta": {"name": "lost"}}))
    report = validate(warehouse.url("loader"), make_delivery(warehouse), datasets=["offices"])
    assert "was not evaluated" in str(report.could_not_run)


def test_failures_whose_rows_cannot_be_found_hold_the_delivery(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(details, "find_rows_against", lambda *_: no_findings())
    delivery_id = make_delivery(warehouse, {"deposits": [vary("deposits", balance_vnd=-1)]})
    report = validate(warehouse.url("loader"), delivery_id, datasets=["deposits"])
    assert "cannot be found" in str(report.could_not_run)


def test_a_column_that_is_not_in_the_contract_is_an_error(warehouse: Warehouse) -> None:
    delivery_id = make_delivery(warehouse)
    with warehouse.connect("loader") as connection:
        connection.execute(f"alter table raw.customers_d{delivery_id} add full_name text".encode())
    report = validate(warehouse.url("loader"), delivery_id)
    assert report.could_not_run is None
    assert [(found["dataset"], found["row"], found["severity"]) for found in report.findings.to_pylist()] == [
        ("customers", None, "error")
    ]


def test_a_column_that_is_missing_holds_the_delivery(warehouse: Warehouse) -> None:
    delivery_id = make_delivery(warehouse)
    with warehouse.connect("loader") as connection:
        connection.execute(f"alter table raw.customers_d{delivery_id} drop residence".encode())
    assert "residence" in str(validate(warehouse.url("loader"), delivery_id).could_not_run)


def test_results_that_cannot_be_stored_hold_the_delivery(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "96").write_text("a file where a folder should be")
    report = validate(warehouse.url("loader"), make_delivery(warehouse), datasets=["offices"], store=tmp_path)
    assert "could not be stored" in str(report.could_not_run)
    assert report.results["could_not_run"] == report.could_not_run


def test_only_the_datasets_asked_for_are_validated(warehouse: Warehouse) -> None:
    delivery_id = make_delivery(warehouse, without="loan_book")
    report = validate(warehouse.url("loader"), delivery_id, datasets=["deposits", "offices"])
    assert report.could_not_run is None
    assert list(suites(report)) == ["deposits", "offices"]


def test_stored_results_are_the_results_and_hold_no_value(warehouse: Warehouse, tmp_path: Path) -> None:
    rows = {
        "customers": [vary("customers", hamlet_code=CANARY), vary("customers", ethnic_code=CANARY)],
        "offices": [vary("offices", name=CANARY, kind=CANARY)],
    }
    delivery_id = make_delivery(warehouse, rows)
    report = validate(warehouse.url("loader"), delivery_id, store=tmp_path)
    assert report.findings.num_rows == 3
    [path] = tmp_path.glob("96/2025-09-30/*.json")
    assert json.loads(path.read_text()) == report.results
    assert path.name == f"r{report.results['delivery']['revision']}-d{delivery_id}.json"
    assert CANARY not in path.read_text()
    assert "Yến" not in json.dumps(report.results, ensure_ascii=False)
    assert suites(report)["customers"]["expectations"][3]["failing"] == 2


def test_nothing_is_said_and_nobody_is_called(
    warehouse: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a connection that is not PostgreSQL's")

    delivery_id = make_delivery(warehouse, {"deposits": [vary("deposits", balance_vnd=-1)]}, without="offices")
    capfd.readouterr()
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    report = validate(warehouse.url("loader"), delivery_id)
    assert report.findings.num_rows == 1
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def test_deliveries_can_be_validated_from_threads(warehouse: Warehouse) -> None:
    ids = [
        make_delivery(warehouse, {"deposits": [vary("deposits", balance_vnd=-1) for _ in range(count)]})
        for count in (1, 2, 3, 4)
    ]
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda number: validate(warehouse.url("loader"), number), ids))
    assert [(report.could_not_run, report.findings.num_rows) for report in reports] == [
        (None, count) for count in (1, 2, 3, 4)
    ]


def test_only_one_thread_at_a_time_uses_great_expectations(warehouse: Warehouse) -> None:
    with gx_runner.open_session(warehouse.url("loader")):
        assert gx_runner.ONE_AT_A_TIME.locked()


def test_no_connection_is_left_behind(warehouse: Warehouse) -> None:
    validate(warehouse.url("loader"), make_delivery(warehouse), datasets=["offices"])
    with warehouse.connect("admin") as connection:
        row = connection.execute(
            "select count(*) from pg_stat_activity where application_name = 'warehouse expectations'"
        ).fetchone()
    assert row == (0,)


def test_great_expectations_is_imported_only_to_validate() -> None:
    code = "import sys, expectations; sys.exit('great_expectations' in sys.modules or 'sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u:p@h:5/d", "postgresql+psycopg2://u:p@h:5/d"),
        ("postgres://u:p@h/d", "postgresql+psycopg2://u:p@h/d"),
        ("postgresql+psycopg://u:a$B@h/d", "postgresql+psycopg2://u:a%24B@h/d"),
    ],
)
def test_any_postgresql_address_is_taken(url: str, expected: str) -> None:
    assert gx_runner.driver_url(url) == expected


def test_delivered_rows_are_never_joined_one_by_one_and_the_catalogue_is_not_hashed(warehouse: Warehouse) -> None:
    setting = "select current_setting('enable_nestloop')"
    with gx_runner.open_session(warehouse.url("loader")) as session:
        for engine in (session.engine, session.datasource.get_execution_engine().engine):
            with engine.connect() as connection:
                found = [
                    connection.exec_driver_sql(query).scalar()
                    for query in (setting, f"{setting} from pg_catalog.pg_namespace", setting)
                ]
            assert found == ["off", "on", "off"]


def test_its_connections_have_the_options_of_all_others_and_of_the_address(warehouse: Warehouse) -> None:
    url = f"{warehouse.url('loader')}?options=-c%20statement_timeout%3D1h"
    settings = "client_connection_check_interval", "statement_timeout", "search_path"
    with gx_runner.open_session(url) as session:
        for engine in (session.engine, session.datasource.get_execution_engine().engine):
            with engine.connect() as connection:
                found = [connection.exec_driver_sql(f"show {name}").scalar() for name in settings]
            assert found == ["10s", "1h", "raw"]


def test_garbage_is_collected_again_after_an_import() -> None:
    with without_collecting():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_no_expectation_of_ours_needs_is_imported_when_it_is_first_used() -> None:
    program = (
        "import sys, expectations.gx_runner\n"
        "from great_expectations.expectations.core import expect_column_kl_divergence_to_be_less_than as unused\n"
        "print([name in sys.modules for name in ('scipy.stats', 'altair')])\n"
        "print(unused.stats.entropy([0.5, 0.5], [0.5, 0.5]), 'scipy.stats' in sys.modules)\n"
        "import scipy.stats, altair\n"
        "print(scipy.stats.entropy is unused.stats.entropy, altair.Chart is unused.alt.Chart)\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines() == ["[False, False]", "0.0 True", "True True"]
