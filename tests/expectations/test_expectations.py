"""Each expectation has a green and a red example, and every failing row is reported with its row number."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import pytest

from contract.findings import FINDING_SCHEMA
from contract.model import load_datasets
from expectations import Report, validate
from expectations.catalogue import load_suite
from expectations.statements import ExpectationSeverity
from tests.expectations.examples import Example, derived_examples, row_of, written_examples
from tests.expectations.rows import DISSOLVED, GOOD_ROWS, make_delivery, vary
from warehouse.connect import Warehouse

WRITTEN = list(written_examples())
DERIVED = [example for dataset in load_datasets().values() for example in derived_examples(dataset)]
STATEMENTS = [(name, statement) for name in load_datasets() for statement in load_suite(name).statements]


@dataclass(frozen=True)
class Validated:
    """A report, its findings by dataset and row, and the row number of each example."""

    report: Report
    findings: dict[tuple[str, int], set[tuple[str, str, str]]]
    rows: dict[int, int]


@pytest.fixture(scope="module")
def validated(warehouse: Warehouse) -> Validated:
    """One delivery that holds the good rows and every example, validated once."""
    rows: dict[str, list[dict[str, Any]]] = {name: [dict(row)] for name, row in GOOD_ROWS.items()}
    places = {}
    for example in [*WRITTEN, *DERIVED]:
        rows[example.dataset].append(row_of(example))
        places[id(example)] = example.changes.get("row_no") or len(rows[example.dataset])
    delivery_id = make_delivery(warehouse, rows)
    report = validate(warehouse.url("loader"), delivery_id)
    findings = defaultdict(set)
    for found in report.findings.to_pylist():
        findings[found["dataset"], found["row"]].add((found["column"], found["rule"], found["severity"]))
    return Validated(report, findings, places)


def expected(example: Example) -> set[tuple[str, str, str]]:
    """What must be found in the row of `example`; nothing for a green one or a statement of severity info."""
    statement = next(found for name, found in STATEMENTS if (name, found.name) == (example.dataset, example.statement))
    severity = statement.severity.finding_severity
    return set() if severity is None else {(column, statement.rule, severity.value) for column in example.found}


@pytest.mark.parametrize("example", WRITTEN, ids=lambda example: example.sentence)
def test_exactly_what_is_wrong_is_found(example: Example, validated: Validated) -> None:
    assert validated.findings[example.dataset, validated.rows[id(example)]] == expected(example)


@pytest.mark.parametrize("dataset", list(GOOD_ROWS))
def test_what_the_contract_forbids_is_found(dataset: str, validated: Validated) -> None:
    missed = [
        example.sentence
        for example in DERIVED
        if example.dataset == dataset
        and not validated.findings[dataset, validated.rows[id(example)]] >= expected(example)
    ]
    assert missed == []


def test_good_rows_have_no_findings(validated: Validated) -> None:
    assert validated.report.could_not_run is None
    assert not [(name, 1) for name in GOOD_ROWS if validated.findings[name, 1]]


def test_findings_have_the_schema_of_the_contract_and_say_how_to_mend(validated: Validated) -> None:
    assert validated.report.findings.schema.equals(FINDING_SCHEMA)
    assert all(
        message.endswith(".") and len(message) > 20 for message in validated.report.findings["message"].to_pylist()
    )
    by_severity = {(found["severity"], found["rule"]) for found in validated.report.findings.to_pylist()}
    assert by_severity == {
        ("error", "constraint-error"),
        ("warning", "programme-parameters"),
        ("warning", "group-size"),
        ("warning", "past-maturity"),
        ("warning", "past-freeze"),
        ("warning", "unknown-commune"),
    }


@pytest.mark.parametrize("dataset", list(GOOD_ROWS))
def test_every_expectation_has_red_examples_for_each_of_its_checks(dataset: str, validated: Validated) -> None:
    suite = next(suite for suite in validated.report.results["suites"] if suite["dataset"] == dataset)
    failing = {entry["name"]: entry["failing"] for entry in suite["expectations"] if not entry["success"]}
    # Two rows at once, or a whole table: tests of their own. In a small dataset the view shows one delivery only.
    elsewhere = {"keys_are_unique"}
    never_wrong = {"delivery_id"} if not load_datasets()[dataset].is_large else set()
    for statement in load_suite(dataset).statements:
        if statement.name in elsewhere:
            continue
        reds = [e for e in [*WRITTEN, *DERIVED] if (e.dataset, e.statement) == (dataset, statement.name) and e.found]
        assert {check.column for check in statement.checks} - never_wrong == {name for e in reds for name in e.found}
        assert failing[statement.name] >= len(reds)


def test_good_deliveries_pass_every_expectation(warehouse: Warehouse) -> None:
    report = validate(
        warehouse.url("loader"), make_delivery(warehouse, {name: [row] for name, row in GOOD_ROWS.items()})
    )
    assert report.could_not_run is None
    assert report.findings.num_rows == 0
    assert [suite["dataset"] for suite in report.results["suites"]] == list(load_datasets())
    failed = [entry for suite in report.results["suites"] for entry in suite["expectations"] if not entry["success"]]
    assert failed == []


def test_an_empty_delivery_passes(warehouse: Warehouse) -> None:
    report = validate(warehouse.url("loader"), make_delivery(warehouse))
    assert (report.could_not_run, report.findings.num_rows) == (None, 0)


@pytest.mark.parametrize("name", list(GOOD_ROWS))
def test_rows_with_one_key_are_all_found(name: str, warehouse: Warehouse) -> None:
    rows = [vary(name), dict(GOOD_ROWS[name]), vary(name), dict(GOOD_ROWS[name])]
    report = validate(warehouse.url("loader"), make_delivery(warehouse, {name: rows}), datasets=[name])
    key = load_datasets()[name].key
    shown = "|".join(str(GOOD_ROWS[name][column]) for column in key)
    assert [
        (found["row"], found["column"], found["rule"], found["value"]) for found in report.findings.to_pylist()
    ] == [(number, ", ".join(key), "primary-key", shown) for number in (2, 4)]


def test_number_that_may_be_a_telephones_is_not_quoted_of_a_customer(warehouse: Warehouse) -> None:
    codes = ("0912345678", "030280", "99999")
    rows = {name: [vary(name, commune_code=code) for code in codes] for name in ("customers", "deposits")}
    report = validate(warehouse.url("loader"), make_delivery(warehouse, rows), datasets=["customers", "deposits"])
    shown = {
        (found["dataset"], found["row"], found["value"])
        for found in report.findings.to_pylist()
        if found["rule"] == "unknown-commune"
    }
    assert shown == {
        *(("customers", number, value) for number, value in enumerate(("***", "***", "99999"), 1)),
        *(("deposits", number, value) for number, value in enumerate(codes, 1)),
    }


def test_a_first_delivery_may_date_its_events_from_any_day(warehouse: Warehouse) -> None:
    """That it has no events at all is a rule of `ingestion`."""
    rows = {"capital_transactions": [vary("capital_transactions", value_date="2001-01-01")]}
    delivery_id = make_delivery(warehouse, rows, previous_business_date=None)
    assert validate(warehouse.url("loader"), delivery_id).findings.num_rows == 0


def test_a_transaction_before_the_merger_names_the_commune_of_its_value_date(warehouse: Warehouse) -> None:
    dates = {"business_date": "2025-07-01", "previous_business_date": "2025-06-28"}
    old = {"commune_code": DISSOLVED, "business_date": "2025-07-01"}
    stamped = old | {"posted_at": "2025-06-30T10:00:00+07:00"}
    rows = {
        "loan_transactions": [
            vary("loan_transactions", value_date="2025-06-30", **stamped),
            vary("loan_transactions", value_date="2025-07-01", **stamped),
        ],
        "absconded_cases": [vary("absconded_cases", **old | {"updated_at": "2025-06-30T10:00:00+07:00"})],
    }
    delivery_id = make_delivery(warehouse, rows, cob_completed_at="2025-07-01T19:00:00+07:00", **dates)
    report = validate(warehouse.url("loader"), delivery_id)
    found = {(entry["dataset"], entry["row"], entry["rule"]) for entry in report.findings.to_pylist()}
    assert found == {("loan_transactions", 2, "unknown-commune"), ("absconded_cases", 1, "unknown-commune")}


def test_parameters_count_only_while_they_are_valid(warehouse: Warehouse) -> None:
    """Programme 3 (jobs): up to 100 m until the end of 2025, 200 m and 8.382 % since."""
    loan = {"programme_code": "3", "maturity_on": "2028-01-01", "approved_vnd": 150_000_000, "rate_pct": "8.382"}
    new, old = loan | {"disbursed_on": "2026-01-01"}, loan | {"disbursed_on": "2025-12-31"}
    rows = {"loan_book": [vary("loan_book", business_date="2026-03-31", **terms) for terms in (new, old)]}
    dates = {"business_date": "2026-03-31", "previous_business_date": "2026-03-30"}
    report = validate(warehouse.url("loader"), make_delivery(warehouse, rows, **dates), datasets=["loan_book"])
    found = [(entry["row"], entry["column"], entry["rule"]) for entry in report.findings.to_pylist()]
    assert found == [(2, "approved_vnd", "programme-parameters")]


def test_every_failing_row_is_reported_not_only_the_first_twenty(warehouse: Warehouse) -> None:
    rows = [vary("deposits", balance_vnd=-number) for number in range(1, 301)]
    report = validate(warehouse.url("loader"), make_delivery(warehouse, {"deposits": rows}), datasets=["deposits"])
    assert report.findings["row"].to_pylist() == list(range(1, 301))
    assert report.findings["value"].to_pylist()[-1] == "-300"


def test_sentences_are_sentences_for_accountants() -> None:
    for _, statement in STATEMENTS:
        assert statement.sentence[0].isupper()
        assert statement.sentence.endswith(".")
    assert {statement.severity for _, statement in STATEMENTS} == set(ExpectationSeverity)
