"""A judgement on one delivery: its verdict, why, and what only the deliveries on record show of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contract.findings import Severity, finding
from ingestion.claims import Claim
from ingestion.descriptor import PLACE
from ingestion.ledger import Verdict


@dataclass(frozen=True)
class Judgement:
    """The verdict on a claim, the opening it was measured against (None: unchecked) and the reason in one sentence.

    `findings` are those that only the deliveries on record show: kept with the ledger entry, for they may pass.
    """

    verdict: Verdict
    opening: list[int] | None
    reason: str
    findings: tuple[dict[str, Any], ...] = ()

    @property
    def passes(self) -> bool:
        return self.verdict not in ("held", "refused", "duplicate")


def too_late(claim: Claim, owner: Claim) -> Judgement:
    """The verdict on a new claim to a number that was used up after it had been registered."""
    number = claim.revision
    if claim.content_sha256 == owner.content_sha256:
        return Judgement("duplicate", None, f"Same content as revision {number}: nothing changes.")
    reason = f"Revision {number} was published with other content; send this under the next number."
    return Judgement("refused", None, reason, (note("revision-conflict", "revision", reason, str(number)),))


def note(
    rule: str, column: str, message: str, value: str | None = None, severity: Severity = Severity.ERROR
) -> dict[str, Any]:
    rows: list[dict[str, Any]] = finding(
        PLACE, rule, message, column=column, value=value, severity=severity
    ).to_pylist()
    return rows[0]
