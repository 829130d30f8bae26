"""Decide what a complete, identified delivery is: new, a repeat, or other content under a used-up number."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from psycopg.types.json import Jsonb

from contract.findings import finding
from ingestion.descriptor import PLACE, Descriptor, RefusalError
from ingestion.ledger import Entry, append_entry
from ingestion.repeats import could_stand_alone
from ingestion.store import StoredFile
from warehouse.connect import Connection


class NotYetError(Exception):
    """The delivery is not complete (verdict waiting); `findings` (FINDING_SCHEMA) say what is lacking."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.findings = finding(PLACE, rule, message)


@dataclass(frozen=True)
class Received:
    """A delivery whose bytes are kept and have the declared hashes. `files`, `contents` by dataset."""

    descriptor: Descriptor
    branch_valid_from: dt.date
    descriptor_text: str
    descriptor_sha256: str
    content_sha256: str
    files: dict[str, StoredFile]
    contents: dict[str, str]
    source_path: str


@dataclass(frozen=True)
class Registration:
    """The delivery's number on record; `is_repeat` where nothing is left to be done for it."""

    delivery_id: int
    is_repeat: bool


@dataclass(frozen=True)
class _Attempt:
    """An earlier delivery for the same branch and date."""

    delivery_id: int
    revision: int
    descriptor_sha256: str
    content_sha256: str
    duplicate_of: int | None
    is_judged: bool
    is_accepted: bool
    is_refused: bool
    was_published: bool

    @property
    def rows_id(self) -> int:
        return self.duplicate_of or self.delivery_id

    @property
    def uses_up_number(self) -> bool:
        return self.was_published or self.duplicate_of is not None


def register(connection: Connection, received: Received) -> Registration:
    """Put a delivery on record. Raises RefusalError for a used-up number, NotYetError while another one has it.

    A repeat under another number uses that number up as well: only so is the outcome the same in any order (law 1).
    """
    descriptor = received.descriptor
    lock = f"delivery {descriptor.branch_code} {descriptor.business_date}"
    connection.execute("select pg_advisory_xact_lock(hashtext(%s))", [lock])
    attempts = _attempts(connection, descriptor)
    for attempt in attempts:
        if (attempt.revision, attempt.descriptor_sha256) == (descriptor.revision, received.descriptor_sha256):
            return Registration(attempt.delivery_id, attempt.is_judged)
    original = _original([attempt for attempt in attempts if not attempt.is_refused], received)
    if original is None:
        new_id = _insert(connection, received, None)
        _insert_files(connection, new_id, received)
        return Registration(new_id, is_repeat=False)
    uses_up_number = could_stand_alone(connection, descriptor, received.files, original.rows_id)
    delivery_id = _insert(connection, received, original) if uses_up_number else None
    append_entry(connection, Entry(
        descriptor.branch_code, received.branch_valid_from, descriptor.business_date, descriptor.revision, delivery_id,
        "duplicate", f"Same content as revision {original.revision}: nothing changes.",
        detail={} if uses_up_number else {"path": received.source_path, "kept": {PLACE: received.descriptor_sha256}},
    ))  # fmt: skip
    return Registration(delivery_id or original.delivery_id, is_repeat=True)


def _original(attempts: list[_Attempt], received: Received) -> _Attempt | None:
    """Return the accepted delivery that this one repeats, None where its content is new."""
    number = received.descriptor.revision
    under_number = [attempt for attempt in attempts if attempt.revision == number]
    owner = next((attempt for attempt in under_number if attempt.uses_up_number), None)
    if owner and owner.content_sha256 != received.content_sha256:
        message = f"Revision {number} was published with other content; send this under the next number."
        raise RefusalError("revision-conflict", message, column="revision", value=str(number))
    if owner:
        return owner
    if any(not attempt.is_judged for attempt in under_number):
        raise NotYetError("revision-conflict", "An earlier delivery under this number is still being worked on.")
    newest = max(attempts, key=lambda attempt: (attempt.revision, attempt.delivery_id), default=None)
    if newest is None or newest.content_sha256 != received.content_sha256:
        return None
    if not newest.is_judged:
        raise NotYetError(
            "revision-conflict", f"The same content as revision {newest.revision} is still being worked on."
        )
    return newest if newest.is_accepted else None


def _attempts(connection: Connection, descriptor: Descriptor) -> list[_Attempt]:
    cursor = connection.execute(
        """
        select d.delivery_id, d.revision, d.descriptor_sha256, d.content_sha256, d.duplicate_of,
            d.duplicate_of is not null or last.verdict is not null and i.could_not_run is null,
            d.duplicate_of is not null or coalesce(last.verdict not in ('held', 'refused'), false),
            coalesce(last.verdict = 'refused', false),
            exists (select from meta.ledger as l where l.delivery_id = d.delivery_id
                and l.verdict in ('published', 'published_with_warnings', 'provisional'))
        from meta.deliveries as d
        left join meta.intakes as i on i.delivery_id = d.delivery_id
        left join lateral (
            select l.verdict from meta.ledger as l where l.delivery_id = d.delivery_id order by l.entry_no desc limit 1
        ) as last on true
        where d.branch_code = %s and d.business_date = %s
        order by d.delivery_id
        """,
        [descriptor.branch_code, descriptor.business_date],
    )
    return [_Attempt(*row) for row in cursor]


def _insert(connection: Connection, received: Received, original: _Attempt | None) -> int:
    descriptor = received.descriptor
    statuses = [status for _, status, _ in descriptor.offices]
    values = {
        "branch_code": descriptor.branch_code,
        "branch_valid_from": received.branch_valid_from,
        "business_date": descriptor.business_date,
        "revision": descriptor.revision,
        "previous_business_date": descriptor.previous_business_date,
        "working_day": descriptor.working_day,
        "content_sha256": received.content_sha256,
        "descriptor_sha256": received.descriptor_sha256,
        "supersedes": descriptor.supersedes,
        "cob_completed_at": descriptor.cob_completed_at,
        "descriptor": received.descriptor_text,
        "offices_expected": len(statuses),
        "offices_delivered": len(statuses) - statuses.count("missing"),
        "source_path": received.source_path,
        "duplicate_of": original.rows_id if original else None,
    }
    row = connection.execute(
        """
        insert into meta.deliveries (branch_code, branch_valid_from, business_date, revision, previous_business_date,
            working_day, content_sha256, descriptor_sha256, supersedes, cob_completed_at, descriptor, offices_expected,
            offices_delivered, source_path, duplicate_of)
        values (%(branch_code)s, %(branch_valid_from)s, %(business_date)s, %(revision)s, %(previous_business_date)s,
            %(working_day)s, %(content_sha256)s, %(descriptor_sha256)s, %(supersedes)s, %(cob_completed_at)s,
            %(descriptor)s::jsonb, %(offices_expected)s, %(offices_delivered)s, %(source_path)s, %(duplicate_of)s)
        returning delivery_id
        """,
        values,
    ).fetchone()
    assert row is not None
    return int(row[0])


def _insert_files(connection: Connection, delivery_id: int, received: Received) -> None:
    rows = [
        (
            delivery_id, resource.dataset, resource.path, resource.sha256, received.contents[resource.dataset],
            resource.bytes, resource.row_count, Jsonb(resource.control_totals), resource.key_checksum,
        )
        for resource in received.descriptor.resources
    ]  # fmt: skip
    connection.cursor().executemany(
        """
        insert into meta.delivery_files (delivery_id, dataset, path, stored_sha256, content_sha256, bytes, row_count,
            control_totals, key_checksum) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        rows,
    )
