"""What is visible: a function of the deliveries on record, not of their order (contract section 6).

Per family of branches, dates ascending: the visible revision of a date is the highest that passes, its roll-forward
measured against what is visible at its previousBusinessDate. `resolve` computes that for one family, from the
deliveries and the measurements on record, and writes a ledger entry for each change, all in one transaction.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace

import psycopg

from contract.errors import describe_failure
from contract.findings import Severity
from ingestion.claims import Claim, family_arrays, read_claims
from ingestion.judgement import Judgement, note, too_late
from ingestion.ledger import Entry, Verdict, append_entry
from ingestion.rules import Counts
from ingestion.succession import Key, Succession, read_succession
from warehouse.connect import Connection

Measure = Callable[[Connection, int, list[int]], Counts]
Stage = Callable[[Connection, int], None]


@dataclass(frozen=True)
class Turn:
    """A change that was written to the ledger."""

    entry_no: int
    delivery_id: int
    judgement: Judgement


@dataclass(frozen=True)
class Change:
    """What the ledger does not say yet: the judgement of a claim, and what is visible for its branch and date then."""

    claim: Claim
    judgement: Judgement
    visible: int | None
    was_visible: int | None


def resolve(connection: Connection, key: Key, measure: Measure, stage: Stage | None = None) -> list[Turn]:
    """Bring the ledger up to date for the family of `key` and return what turned. The caller commits.

    `measure` measures a delivery against an opening; its results are kept in meta.openings and asked only once.
    `stage` makes sure that the rows of a delivery are loaded before it becomes visible (again).
    """
    succession = read_succession(connection)
    family = succession.family(key)
    lock_family(connection, family)
    claims = read_claims(connection, family)
    changes, unmeasured = find_changes(connection, succession, family, claims, measure)
    if stage:
        for change in changes:
            if change.visible is not None and change.visible != change.was_visible:
                stage(connection, change.visible)
    turns = [
        Turn(
            _write(connection, change.claim, change.judgement, change.visible),
            change.claim.delivery_id,
            change.judgement,
        )
        for change in changes
    ]
    _record_weighed(connection, [claim for claim in claims if claim.rows_id not in unmeasured])
    return turns


def lock_family(connection: Connection, family: list[Key]) -> None:
    """Wait until nobody else decides what is visible for a family, until the end of the transaction."""
    connection.execute("select pg_advisory_xact_lock(hashtext(%s))", [family_lock(family)])


def family_lock(family: list[Key]) -> str:
    """The name of the lock on what is visible for a family."""
    return f"family {family[0][0]} {family[0][1]}"


def find_changes(
    connection: Connection, succession: Succession, family: list[Key], claims: list[Claim], measure: Measure
) -> tuple[list[Change], set[int]]:
    """Judge the claims of a family, dates ascending, and return where the ledger says otherwise or nothing yet.

    What is judged anew and held for another reason is a change, too. Also returned: the deliveries that could not be measured.
    """
    visible_now = _visible_now(connection, family)
    judge = _Judge(connection, succession, family, measure)
    changes: list[Change] = []
    for (branch, date), rivals in _by_place(claims):
        judged, winner = judge.decide(branch, date, rivals)
        visible, was_visible = winner.rows_id if winner else None, visible_now.get((branch, date))
        changed = [
            (claim, judgement)
            for claim, judgement in judged
            if judgement.verdict != claim.last_verdict or judge.holds_anew(claim, judgement)
        ]
        if not changed and visible != was_visible:
            changed = [judged[0]]
        # The winner's entry comes last: it stands for the date.
        changed.sort(key=lambda pair: (pair[0] is winner, pair[0].revision))
        changes += [Change(claim, judgement, visible, was_visible) for claim, judgement in changed]
    return changes, judge.unmeasured


class _Judge:
    """Judges date after date, remembering what has become visible so far."""

    def __init__(self, connection: Connection, succession: Succession, family: list[Key], measure: Measure) -> None:
        self.connection = connection
        self.succession = succession
        self.measure = measure
        self.unmeasured: set[int] = set()
        self.visible: dict[tuple[Key, dt.date], int] = {}
        self.dates: dict[Key, list[dt.date]] = {}
        cursor = connection.execute(
            """
            select o.delivery_id, o.opening, o.errors, o.warnings from meta.openings as o
            inner join meta.deliveries as d on o.delivery_id = d.delivery_id
            where (d.branch_code, d.branch_valid_from) in (select * from unnest(%s::text[], %s::date[]))
            """,
            family_arrays(family),
        )
        self.measured = {(row[0], tuple(row[1])): Counts(row[2], row[3]) for row in cursor}

    def decide(
        self, branch: Key, date: dt.date, rivals: list[Claim]
    ) -> tuple[list[tuple[Claim, Judgement]], Claim | None]:
        """Judge the claims of one branch and date, best first, until one passes; judge new ones in any case."""
        judged: list[tuple[Claim, Judgement]] = []
        winner: Claim | None = None
        owners: dict[int, Claim] = {}
        for claim in _best_first(rivals):
            owner = owners.get(claim.revision)
            if owner is not None:
                if claim.last_verdict is None:
                    judged.append((claim, too_late(claim, owner)))
                continue
            if claim.owns_number:
                owners[claim.revision] = claim
            if winner is not None and claim.last_verdict is not None:
                continue
            judgement = self.judge(claim)
            # A duplicate speaks for the delivery that it repeats: the entry is that one's.
            subject = next(rival for rival in rivals if rival.delivery_id == claim.rows_id)
            if judgement.passes:
                owners[claim.revision] = claim
                winner = winner or subject
            if subject not in [known for known, _ in judged]:
                judged.append((subject, judgement))
        if winner is not None:
            self.visible[branch, date] = winner.rows_id
            self.dates.setdefault(branch, []).append(date)
        return judged, winner

    def holds_anew(self, claim: Claim, judgement: Judgement) -> bool:
        """True when a new intake holds a claim for another reason than the ledger says, and not until a check can run."""
        is_answered = claim.could_not_run is None and claim.rows_id not in self.unmeasured
        is_other = judgement.reason != claim.last_reason
        return judgement.verdict == "held" and not claim.is_weighed and is_answered and is_other

    def judge(self, claim: Claim) -> Judgement:
        """Judge one claim by its intake, its interval and its opening; say so if what it supersedes is not on record."""
        judgement = self._judge(claim)
        if claim.is_superseded_known:
            return judgement
        message = "supersedes names no descriptor on record for this date; name the one that was sent before, or tell the data centre."
        unknown = note("supersedes-unknown", "supersedes", message, claim.supersedes, Severity.WARNING)
        verdict: Verdict = "published_with_warnings" if judgement.verdict == "published" else judgement.verdict
        return replace(judgement, verdict=verdict, findings=(*judgement.findings, unknown))

    def _judge(self, claim: Claim) -> Judgement:
        if claim.intake.errors:
            opening = self._opening(claim)
            # It is held either way; measuring it too tells the branch everything in one go.
            measured = self._measured(claim.rows_id, opening) if opening and claim.is_measurable else None
            against = measured if isinstance(measured, Counts) else Counts(0, 0)
            reason = f"{claim.intake.errors + against.errors} finding(s) hold the delivery; see the feedback."
            if claim.could_not_run:
                reason = f"A check could not run, and runs again tomorrow: {claim.could_not_run}"
            return Judgement("held", opening if against.errors or against.warnings else None, reason)
        overlapped = self._overlapped(claim)
        if overlapped:
            start = f"after {claim.previous}" if claim.previous else "a first delivery (previousBusinessDate null)"
            reason = f"The interval {start} contains {overlapped}, which is visible already; set previousBusinessDate to {overlapped}."
            return Judgement("held", None, reason, (note("interval-overlap", "previousBusinessDate", reason),))
        if claim.previous is None:
            return self._published(claim.intake.warnings, None, "A first delivery: there is no roll-forward to check.")
        ids = self._opening(claim)
        if ids is None:
            reason = f"Nothing, or not everything, is visible at {claim.previous}: roll-forward unchecked."
            return Judgement("provisional", None, reason)
        return self._judge_roll_forward(claim, ids)

    def _judge_roll_forward(self, claim: Claim, ids: list[int]) -> Judgement:
        counts = self._measured(claim.rows_id, ids)
        if isinstance(counts, str):
            return Judgement("held", None, f"It could not be measured, and is measured again tomorrow: {counts}")
        if counts.errors:
            return Judgement(
                "held",
                ids,
                f"{counts.errors} finding(s) against what is visible at {claim.previous}; see the feedback.",
            )
        return self._published(
            claim.intake.warnings + counts.warnings, ids, f"Everything holds; it follows {claim.previous}."
        )

    def _opening(self, claim: Claim) -> list[int] | None:
        """The visible deliveries that hold the state before the claim, None where one is lacking."""
        if claim.previous is None:
            return None
        opening = [
            self.visible.get((holder, claim.previous)) for holder in self.succession.holders(claim.key, claim.previous)
        ]
        ids = sorted(rows_id for rows_id in opening if rows_id is not None)
        return ids if ids and len(ids) == len(opening) else None

    def _published(self, warnings: int, opening: list[int] | None, reason: str) -> Judgement:
        if warnings:
            return Judgement("published_with_warnings", opening, f"{reason} {warnings} warning(s); see the feedback.")
        return Judgement("published", opening, reason)

    def _overlapped(self, claim: Claim) -> dt.date | None:
        """The last visible date inside the claim's interval, None where there is none."""
        dates = []
        for key in (claim.key, *self.succession.predecessors(claim.key)):
            visible = self.dates.get(key, [])
            earlier = bisect_left(visible, claim.business_date)
            dates += visible[earlier - 1 : earlier] if earlier else []
        return max((date for date in dates if claim.previous is None or date > claim.previous), default=None)

    def _measured(self, delivery_id: int, opening: list[int]) -> Counts | str:
        """What measuring found, or in one line why it could not be done: that counts as failed, and is tried again."""
        known = self.measured.get((delivery_id, tuple(opening)))
        if known:
            return known
        try:
            with self.connection.transaction():
                counts = self.measure(self.connection, delivery_id, opening)
        except psycopg.OperationalError:
            raise  # the server went away: nothing is decided
        except Exception as error:
            self.unmeasured.add(delivery_id)
            return describe_failure(error)
        self.connection.execute(
            "insert into meta.openings (delivery_id, opening, errors, warnings) values (%s, %s, %s, %s)",
            [delivery_id, opening, counts.errors, counts.warnings],
        )
        # A repeat under another number asks again in the same resolution.
        self.measured[delivery_id, tuple(opening)] = counts
        return counts


def _best_first(rivals: list[Claim]) -> list[Claim]:
    """Order claims: highest revision first; under one number the one that has used it up, else by arrival."""
    return sorted(rivals, key=lambda claim: (-claim.revision, not claim.owns_number, claim.delivery_id))


def _by_place(claims: list[Claim]) -> list[tuple[tuple[Key, dt.date], list[Claim]]]:
    places: dict[tuple[Key, dt.date], list[Claim]] = {}
    for claim in claims:
        places.setdefault((claim.key, claim.business_date), []).append(claim)
    return sorted(places.items(), key=lambda place: (place[0][1], place[0][0]))


def _visible_now(connection: Connection, family: list[Key]) -> dict[tuple[Key, dt.date], int]:
    cursor = connection.execute(
        """
        select distinct on (branch_code, business_date) branch_code, branch_valid_from, business_date, visible_delivery_id
        from meta.ledger
        where sets_visible and branch_code = any(%s)
        order by branch_code, business_date, entry_no desc
        """,
        [sorted({code for code, _ in family})],
    )
    members = set(family)
    return {((code, start), date): shown for code, start, date, shown in cursor if shown and (code, start) in members}


def _record_weighed(connection: Connection, claims: list[Claim]) -> None:
    weighed = {claim.rows_id: claim.evaluated_at for claim in claims if not claim.is_weighed}
    connection.execute(
        """
        insert into meta.weighed_intakes select * from unnest(%s::bigint[], %s::timestamptz[])
        on conflict (delivery_id) do update set evaluated_at = excluded.evaluated_at
        """,
        [list(weighed), list(weighed.values())],
    )


def _write(connection: Connection, claim: Claim, judgement: Judgement, visible: int | None) -> int:
    return append_entry(connection, Entry(
        claim.key[0], claim.key[1], claim.business_date, claim.revision, claim.delivery_id, judgement.verdict,
        judgement.reason, sets_visible=True, visible_delivery_id=visible, opening=judgement.opening,
        detail={"findings": list(judgement.findings)} if judgement.findings else {},
    ))  # fmt: skip
