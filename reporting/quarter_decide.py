"""What becomes of a draft: checked, approved by a person, rejected with a reason, published.

Every decision looks at the frozen rows first: they must still have the checksum that was frozen.
"""

from __future__ import annotations

from dataclasses import dataclass

from reporting.quarter import Quarter, QuarterError
from reporting.quarter_checks import (
    BY_CHECKS,
    Change,
    Violation,
    compare_with_last_quarter,
    find_violations,
)
from reporting.quarter_log import OPEN, Status, Version, append_state, read_inputs, require_version
from reporting.quarter_tables import find_altered_tables, overall_sha256, parse_contents
from warehouse.connect import Connection, Warehouse


@dataclass(frozen=True)
class Checked:
    """A draft after its checks: `version.status` is rejected where one failed. `changes` since the last quarter."""

    version: Version
    violations: list[Violation]
    changes: list[Change]


def check_draft(warehouse: Warehouse, quarter: Quarter, version: int | None = None) -> Checked:
    """Check the business equations on a draft; one that breaks any is rejected, with what is wrong as the reason."""
    with warehouse.connect("quarter_keeper") as connection:
        draft = require_version(connection, quarter, *OPEN, version=version)
        _require_unaltered(connection, draft)
        violations = find_violations(connection, quarter, draft.version)
        changes = compare_with_last_quarter(connection, draft)
        if violations:
            reason = "\n".join(map(str, violations))
            draft = _append(connection, draft, "rejected", by=BY_CHECKS, reason=reason)
        return Checked(draft, violations, changes)


def approve_draft(
    warehouse: Warehouse, quarter: Quarter, *, by: str, reason: str = "", version: int | None = None
) -> Version:
    """Record that `by` approves the content of a draft, by its checksum.

    Raises QuarterError when `by` asked for the freeze by hand, when the frozen rows are not those that were frozen, or
    when an equation does not hold.
    """
    with warehouse.connect("quarter_keeper") as connection:
        draft = require_version(connection, quarter, "draft", version=version)
        _require_unaltered(connection, draft)
        violations = find_violations(connection, quarter, draft.version)
        if violations:
            raise QuarterError(
                f"{draft.name} breaks {len(violations)} equation(s), the first: {violations[0]}",
                remedy="It cannot be approved; reject it.",
            )
        return _append(connection, draft, "approved", by=by, reason=reason)


def reject_draft(
    warehouse: Warehouse, quarter: Quarter, *, by: str, reason: str, version: int | None = None
) -> Version:
    """Record that `by` rejects a draft (or withdraws an approval before publishing) and why."""
    with warehouse.connect("quarter_keeper") as connection:
        draft = require_version(connection, quarter, *OPEN, version=version)
        return _append(connection, draft, "rejected", by=by, reason=reason)


def publish_version(warehouse: Warehouse, quarter: Quarter, *, by: str, version: int | None = None) -> Version:
    """Show the approved version to BI roles; the version published before becomes superseded in the same moment."""
    with warehouse.connect("quarter_keeper") as connection:
        approved = require_version(connection, quarter, "approved", version=version)
        _require_unaltered(connection, approved)
        return _append(connection, approved, "published", by=by)


def _append(connection: Connection, found: Version, status: Status, *, by: str, reason: str = "") -> Version:
    return append_state(
        connection, found.quarter, found.version, status, by=by, reason=reason, content_sha256=found.content_sha256
    )


def _require_unaltered(connection: Connection, found: Version) -> None:
    altered = find_alterations(connection, found)
    if altered:
        what = "; ".join(f"quarters.{name}: {how}" for name, how in altered.items())
        raise QuarterError(
            f"The frozen rows of {found.name} have been altered: {what}",
            remedy="See docs/runbooks/close-a-quarter.md, `Altered rows`.",
        )


def find_alterations(connection: Connection, found: Version) -> dict[str, str]:
    """Return what of a version is not as it was frozen: tables, or the log itself, each with a few words that say how."""
    recorded = parse_contents(read_inputs(connection, found))
    altered = find_altered_tables(connection, recorded, found.quarter, found.version)
    if not altered and overall_sha256(found.quarter, recorded) != found.content_sha256:
        altered["quarter_close"] = "its checksum is not that of the tables that it records"
    return altered
