"""What became of a delivery in a run, as it is shown, returned as JSON and told to the branch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingestion.feedback import VERDICTS_WITH_FEEDBACK, remove_feedback, write_feedback
from ingestion.ledger import BAD_VERDICTS, read_findings
from ingestion.publish import Turn
from ingestion.receive import Arrival
from warehouse.connect import Connection

SHOWN = ("dataset", "rule", "column", "row", "message")


@dataclass(frozen=True)
class Outcome:
    """A delivery and its verdict. `reason` is one sentence; `findings` hold every finding."""

    branch_code: str
    business_date: str
    revision: int | None
    verdict: str
    reason: str
    findings: list[dict[str, Any]] = field(default_factory=list)
    delivery_id: int | None = None

    @property
    def is_bad(self) -> bool:
        """True when held or refused."""
        return self.verdict in BAD_VERDICTS

    @property
    def line(self) -> str:
        """One line for a person."""
        place = " ".join(
            filter(None, [self.branch_code, self.business_date, f"r{self.revision}" if self.revision else None])
        )
        count = f" [{len(self.findings)} finding(s)]" if self.findings else ""
        return f"{place:<20} {self.verdict:<23} {self.reason}{count}"

    @property
    def finding_lines(self) -> list[str]:
        """One line for each finding: where, which rule, what to do."""
        lines = []
        for finding in self.findings:
            row = f"row {finding['row']}" if finding.get("row") is not None else None
            where = " ".join(filter(None, [finding["dataset"], row, finding.get("column")]))
            lines.append(f"  {finding['severity']:<8}{where}: {finding['rule']}: {finding['message']}")
        return lines

    def as_json(self) -> dict[str, Any]:
        """Return the object that `night --json` and `status --json` print."""
        return {
            "branch_code": self.branch_code,
            "business_date": self.business_date,
            "revision": self.revision,
            "verdict": self.verdict,
            "findings": [{name: finding.get(name) for name in SHOWN} for finding in self.findings],
        }


def arrival_outcome(arrival: Arrival) -> Outcome:
    """Return the outcome of a look at a folder that ended there: refused, waiting or a duplicate."""
    folder = arrival.folder
    first = arrival.findings[0]["message"] if arrival.findings else "Nothing changes: the content is on record."
    return Outcome(
        folder.branch_code, folder.business_date, folder.revision, arrival.verdict or "waiting", first, arrival.findings,
        arrival.delivery_id,
    )  # fmt: skip


def delivery_outcome(connection: Connection, delivery_id: int) -> Outcome:
    """Return the outcome of a judged delivery by its last ledger entry."""
    row = connection.execute(
        """
        select branch_code, business_date, revision, verdict, reason, opening, detail from meta.ledger
        where delivery_id = %s order by entry_no desc limit 1
        """,
        [delivery_id],
    ).fetchone()
    assert row is not None
    findings = row[6].get("findings", []) + read_findings(connection, delivery_id, row[5])
    return Outcome(row[0], row[1].isoformat(), row[2], row[3], row[4], findings, delivery_id)


def turn_outcome(connection: Connection, turn: Turn) -> Outcome:
    """Return the outcome of a change in the ledger."""
    return delivery_outcome(connection, turn.delivery_id)


def tell_branch(outbox: Path, outcome: Outcome) -> None:
    """Write the feedback of an outcome, or remove that of a delivery which now simply stands, itself or as a repeat."""
    folder = outbox / outcome.branch_code / outcome.business_date / f"r{outcome.revision or 0}"
    if outcome.verdict in VERDICTS_WITH_FEEDBACK:
        title = f"Branch {outcome.branch_code}, {outcome.business_date}, revision {outcome.revision or '?'}"
        write_feedback(folder, title, outcome.verdict, outcome.reason, outcome.findings)
    elif outcome.verdict in ("published", "duplicate"):
        remove_feedback(folder)
