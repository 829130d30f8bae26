"""Validate a loaded delivery before it becomes visible: run the suites and report every row against them.

Fail closed: whatever keeps a suite from a clear answer (no table, no server, an error inside Great Expectations) ends
in `could_not_run`, which holds the delivery and is tried again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from contract.findings import finding, join_findings
from contract.model import load_datasets
from expectations.catalogue import load_suite
from expectations.files import write_whole
from expectations.statements import Delivery, Suite

if TYPE_CHECKING:
    import sqlalchemy as sa

    from expectations.gx_runner import Outcome, Session

COLUMNS_MESSAGE = (
    "The warehouse's table does not have the columns of the contract; nothing is wrong with the file, load it again."
)


@dataclass(frozen=True)
class Report:
    """What validation found.

    `findings` has the schema `contract.findings.FINDING_SCHEMA`: an error for each row against a critical expectation,
    a warning for each row against a warning. `results` is JSON-able and kept with the delivery: by dataset each
    expectation with its sentence, severity, success and number of rows against it, never a value. `could_not_run` says
    in one line what could not be evaluated; None when everything was.
    """

    findings: pa.Table
    results: dict[str, Any]
    could_not_run: str | None


@dataclass
class _Notes:
    findings: list[pa.Table] = field(default_factory=list)
    suites: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def validate(url: str, delivery_id: int, *, datasets: Iterable[str] | None = None, store: Path | None = None) -> Report:
    """Run the suites of `datasets` (default: all 15) on the tables raw.<dataset>_d<delivery_id>.

    `url` is a postgresql:// address of the role loader. With `store`, the results are also written below it, as
    <branch>/<business date>/r<revision>-d<delivery id>.json. Never raises for anything that happens while validating.
    """
    notes = _Notes()
    delivery = None
    try:
        from expectations import gx_runner  # noqa: PLC0415 - importing Great Expectations takes seconds

        with gx_runner.open_session(url) as session:
            delivery = read_delivery(session.engine, delivery_id)
            for name in load_datasets() if datasets is None else datasets:
                _validate_dataset(session, delivery, name, notes)
    except Exception as error:
        notes.problems.append(_in_one_line(error))
    results = _results(delivery_id, delivery, notes)
    if store is not None and delivery is not None:
        try:
            write_results(store, results)
        except OSError as error:
            notes.problems.append(f"the results could not be stored: {error}")
            results["could_not_run"] = "; ".join(notes.problems)
    return Report(join_findings(notes.findings), results, results["could_not_run"])


def read_delivery(engine: sa.Engine, delivery_id: int) -> Delivery:
    """Return the delivery as meta.deliveries has it. Raises LookupError when it is not on record."""
    with engine.connect() as connection:
        row = connection.exec_driver_sql(
            "select delivery_id, branch_code, business_date, revision, previous_business_date, cob_completed_at "
            "from meta.deliveries where delivery_id = %(delivery_id)s",
            {"delivery_id": delivery_id},
        ).fetchone()
    if row is None:
        raise LookupError(f"delivery {delivery_id} is not in meta.deliveries")
    values: list[Any] = list(row)
    return Delivery(*values)


def write_results(store: Path, results: Mapping[str, Any]) -> Path:
    """Write the results of one delivery below `store`, whole or not at all, and return the path."""
    delivery = results["delivery"]
    name = f"r{delivery['revision']}-d{results['delivery_id']}.json"
    path: Path = store / delivery["branch_code"] / delivery["business_date"] / name
    write_whole(path, json.dumps(results, ensure_ascii=False, indent=1))
    return path


def _validate_dataset(session: Session, delivery: Delivery, name: str, notes: _Notes) -> None:
    """Run one suite and note what it found; a suite that fails to run does not stop the others."""
    try:
        suite = load_suite(name)
        outcomes = session.run(suite, delivery.parts(name))
        found = [_find(session, suite, delivery, outcome) for outcome in outcomes if outcome.failing]
    except Exception as error:
        problem = f"{name}: {_in_one_line(error)}"
        notes.problems.append(problem)
        notes.suites.append({"dataset": name, "could_not_run": problem, "success": False, "expectations": []})
        return
    notes.findings += found
    notes.suites.append(_suite_results(suite, outcomes))


def _find(session: Session, suite: Suite, delivery: Delivery, outcome: Outcome) -> pa.Table:
    from expectations.details import find_rows_against  # noqa: PLC0415 - needs SQLAlchemy

    if outcome.statement is None:
        return finding(suite.dataset, "constraint-error", COLUMNS_MESSAGE)
    found = find_rows_against(session.engine, suite.dataset, outcome.statement, delivery.parts(suite.dataset))
    if not found.num_rows and outcome.severity.finding_severity is not None:
        raise LookupError(f"{outcome.name} failed for {outcome.failing} rows, but they cannot be found")
    return found


def _suite_results(suite: Suite, outcomes: list[Outcome]) -> dict[str, Any]:
    expectations = [
        {
            "name": outcome.name,
            "sentence": outcome.sentence,
            "severity": outcome.severity.value,
            "success": outcome.failing == 0,
            "failing": outcome.failing,
        }
        for outcome in outcomes
    ]
    success = all(entry["success"] for entry in expectations)
    return {
        "dataset": suite.dataset,
        "about": suite.about,
        "could_not_run": None,
        "success": success,
        "expectations": expectations,
    }


def _results(delivery_id: int, delivery: Delivery | None, notes: _Notes) -> dict[str, Any]:
    known = delivery and {
        "branch_code": delivery.branch_code,
        "business_date": delivery.business_date.isoformat(),
        "revision": delivery.revision,
        "cob_completed_at": delivery.cob_completed_at.isoformat(),
    }
    return {
        "delivery_id": delivery_id,
        "delivery": known,
        "could_not_run": "; ".join(notes.problems) or None,
        "suites": notes.suites,
    }


def _in_one_line(error: Exception) -> str:
    """The reason without the SQL and the traceback that may follow it."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300] if lines else 'no reason given'}"
