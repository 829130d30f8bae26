"""The steps of the quarter close as DAG tasks call them: on this process's warehouse, handing on codes and numbers only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from pipeline import quarter as close
from reporting.quarter import BANK_TIME, QuarterError, parse_quarter, quarter_before
from reporting.quarter_checks import compare_with_last_quarter
from reporting.quarter_decide import approve_draft, check_draft, publish_version, reject_draft
from reporting.quarter_freeze import SCHEDULE
from reporting.quarter_log import OPEN, require_version
from warehouse.connect import open_warehouse

UNKNOWN = "unknown"
"""Who started a run by hand where Airflow does not say; no person has this name."""
APPROVE = "Approve"


def freeze_quarter(code: str | None, run_after: dt.datetime, run_type: str, started_by: str | None) -> list[Any] | None:
    """Freeze the quarter named, or the last one that had ended when the run was due; return (code, version).

    None where the content is published already: there is nothing to approve.
    """
    quarter = parse_quarter(code) if code else quarter_before(run_after.astimezone(BANK_TIME).date())
    frozen = close.freeze(open_warehouse(), quarter, _requester(run_type, started_by), print)
    version = frozen.version
    print(f"{version.name} ({version.status}), checksum {version.content_sha256}: {version.reason}")
    if version.status not in OPEN:
        print("The warehouse has nothing that is not published already.")
        return None
    return [quarter.code, version.version]


def check_quarter(code: str, version: int) -> None:
    """Check the business equations; a draft that breaks any is rejected and the error names them."""
    checked = check_draft(open_warehouse(), parse_quarter(code), version)
    for change in checked.changes:
        print(change)
    if checked.violations:
        raise QuarterError(
            f"{checked.version.name} is rejected: " + "; ".join(map(str, checked.violations)),
            remedy="docs/runbooks/close-a-quarter.md says what to do.",
        )


def rederive_quarter(code: str, version: int) -> None:
    """Derive the draft again from the stored bytes (law 7); raise QuarterError where it is not equal byte for byte."""
    found = close.verify(open_warehouse(), parse_quarter(code), version, print)
    print("\n".join(found.lines))
    if found.exit_code != close.EQUAL:
        raise QuarterError(
            f"{found.version.name} cannot be derived again byte for byte", remedy="The lines above say what differs."
        )


def describe_draft(code: str, version: int) -> str:
    """Return, in Markdown, what a person needs to decide: checksum, completeness, and the branches beside last quarter."""
    with open_warehouse().connect("quarter_keeper") as connection:
        draft = require_version(connection, parse_quarter(code), version=version)
        changes = compare_with_last_quarter(connection, draft)
    lines = [
        f"Checksum `{draft.content_sha256}`",
        draft.reason,
        "Every business equation holds, and the figures were derived again from the delivered bytes, equal byte for byte.",
        "\n".join(f"- {change}" for change in changes),
        f"Frozen by {draft.by}. A rejection needs its reason in the field below.",
    ]
    return "\n\n".join(lines)


def status_of(code: str, version: int) -> str:
    """Return the last state of a version."""
    with open_warehouse().connect("quarter_keeper") as connection:
        return require_version(connection, parse_quarter(code), version=version).status


def decide_quarter(draft: list[Any], run_type: str, started_by: str | None, response: Mapping[str, Any]) -> None:
    """Record what a person answered to Airflow's question about a draft (code, version).

    Raises QuarterError where that person may not approve, or rejects without a reason: then the question is asked again.
    """
    warehouse, quarter, version = open_warehouse(), parse_quarter(draft[0]), int(draft[1])
    person = str(response["responded_by_user"]["name"])
    reason = str((response["params_input"] or {}).get("reason") or "")
    if response["chosen_options"] != [APPROVE]:
        reject_draft(warehouse, quarter, by=person, reason=reason, version=version)
        return
    starter = _requester(run_type, started_by)
    if starter is not None and person.strip().lower() == starter.strip().lower():
        raise QuarterError(
            f"{person} started this run by hand and cannot approve {quarter.code} version {version}",
            remedy="Another person decides; the task asks again.",
        )
    approve_draft(warehouse, quarter, by=person, reason=reason, version=version)


def publish_quarter(code: str, version: int) -> None:
    """Publish what was approved; what an attempt before has published stays as it is."""
    if status_of(code, version) != "published":
        published = publish_version(open_warehouse(), parse_quarter(code), by=SCHEDULE, version=version)
        print(f"{published.name} is published, checksum {published.content_sha256}")


def write_reports(code: str, version: int) -> None:
    """Write the board reports of a published version, of each branch in it and of the nation, below `<home>/reports`."""
    from pipeline import report  # noqa: PLC0415 - drawing takes seconds to import

    warehouse = open_warehouse()
    with warehouse.connect("quarter_keeper") as connection:
        rows = connection.execute(
            "select branch_code from quarters.branch_scorecard where quarter_code = %s and version = %s order by 1",
            [code, version],
        ).fetchall()
    for branch in [*(row[0] for row in rows), "*"]:
        report.write_reports(warehouse, code, branch, report.reports_folder(warehouse, code), version=version)


def _requester(run_type: str, started_by: str | None) -> str | None:
    """The person behind a run: None for the schedule."""
    return started_by or (None if run_type == "scheduled" else UNKNOWN)
