"""Look at a delivery folder, keep its bytes, and register it, refuse it, wait for it or see that it is a repeat.

Nothing is staged here. What is registered (`meta.deliveries`) is loaded later from the store, never from the landing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from psycopg.types.json import Jsonb

from contract.errors import DamagedInputError, UnsafeInputError
from ingestion.bombs import require_no_archive_bomb
from ingestion.descriptor import PLACE, Descriptor, RefusalError, Resource, parse_descriptor
from ingestion.landing import DESCRIPTOR, Folder, Landing
from ingestion.ledger import Entry, Verdict, append_entry
from ingestion.register import NotYetError, Received, register
from ingestion.store import CHUNK, Store, StoredFile
from ingestion.streams import open_stream
from warehouse.connect import Connection, Warehouse
from warehouse.faults import reach

LARGEST_DESCRIPTOR = 4 << 20


@dataclass(frozen=True)
class Arrival:
    """What became of a look at a folder. `verdict` None: registered as `delivery_id`, to be loaded and judged."""

    folder: Folder
    verdict: Verdict | None
    delivery_id: int | None = None
    findings: list[dict[str, Any]] = field(default_factory=list)


def receive_folder(warehouse: Warehouse, landing: Landing, folder: Folder) -> Arrival:
    """Look at one folder and record what was seen. Repeating it changes nothing."""
    with warehouse.connect("loader") as connection:
        # An erasure takes away what belongs to no delivery on record: not what is about to.
        connection.execute("select pg_advisory_xact_lock_shared(hashtext('receiving'))")
        # Two looks at once at one folder are one: the second finds what the first has recorded.
        connection.execute("select pg_advisory_xact_lock(hashtext('folder'), hashtext(%s))", [folder.path])
        known = connection.execute(
            "select verdict, delivery_id, findings from meta.arrivals where path = %s and fingerprint = %s",
            [folder.path, folder.fingerprint],
        ).fetchone()
        if known and known[0] == "refused":
            return Arrival(folder, "refused", findings=known[2])
        if known and known[1] is not None:
            return Arrival(folder, "duplicate" if is_judged(connection, known[1]) else None, known[1])
        kept: dict[str, str] = {}
        try:
            arrival = _take_in(connection, Store(warehouse.settings.store), landing, folder, kept)
        except NotYetError as waiting:
            arrival = Arrival(folder, "waiting", findings=as_rows(waiting.findings))
        except RefusalError as refusal:
            arrival = Arrival(folder, "refused", findings=as_rows(refusal.findings))
            _record_refusal(connection, arrival, kept)
        _record_arrival(connection, arrival)
        return arrival


def find_settled(connection: Connection, folders: list[Folder]) -> dict[str, Arrival]:
    """Return, by path, what is known of the folders that have not changed since their delivery was judged or refused.

    One query however many there are: a landing keeps years of deliveries, and every night looks at all of them.
    """
    by_path = {folder.path: folder for folder in folders}
    cursor = connection.execute(
        """
        select a.path, a.verdict, a.delivery_id, a.findings from meta.arrivals as a
        inner join unnest(%s::text[], %s::text[]) as f (path, fingerprint)
            on a.path = f.path and a.fingerprint = f.fingerprint
        where a.verdict = 'refused' or (
            exists (select from meta.ledger as l where l.delivery_id = a.delivery_id)
            and not exists (select from meta.intakes as i where i.delivery_id = a.delivery_id and i.could_not_run is not null)
        )
        """,
        [list(by_path), [folder.fingerprint for folder in folders]],
    )
    return {
        path: Arrival(by_path[path], "refused", findings=findings)
        if verdict == "refused"
        else Arrival(by_path[path], "duplicate", delivery_id)
        for path, verdict, delivery_id, findings in cursor
    }


def is_judged(connection: Connection, delivery_id: int) -> bool:
    """True when the delivery has a verdict that does not wait for a check that could not run."""
    row = connection.execute(
        "select exists (select from meta.ledger where delivery_id = %(id)s) and not exists "
        "(select from meta.intakes where delivery_id = %(id)s and could_not_run is not null)",
        {"id": delivery_id},
    ).fetchone()
    return bool(row and row[0])


def as_rows(findings: pa.Table) -> list[dict[str, Any]]:
    """Return findings as JSON-able rows."""
    return findings.to_pylist()  # type: ignore[no-any-return]


def _take_in(connection: Connection, store: Store, landing: Landing, folder: Folder, kept: dict[str, str]) -> Arrival:
    if not folder.is_complete:
        raise NotYetError("package-error", f"{PLACE} is not there yet; it is written last.")
    content, descriptor_sha256 = _keep_descriptor(store, landing, folder, kept)
    if not folder.is_named_well:
        raise RefusalError(
            "identity", "The folder must be <branch_code>/<business_date>/r<revision>.", value=folder.path[-60:]
        )
    descriptor = parse_descriptor(content)
    valid_from = _require_identity(connection, descriptor, folder)
    _require_complete(descriptor, folder)
    files = {resource.dataset: _keep_file(store, landing, folder, resource, kept) for resource in descriptor.resources}
    known = _read_known_contents(connection, descriptor)
    with ThreadPoolExecutor() as pool:  # unpacking and hashing leave the interpreter free
        hashes = pool.map(
            lambda resource: known.get(_form(resource)) or content_sha256(files[resource.dataset], resource),
            descriptor.resources,
        )
        contents = dict(zip(files, hashes, strict=True))
    received = Received(
        descriptor=descriptor,
        branch_valid_from=valid_from,
        descriptor_text=content.decode(),
        descriptor_sha256=descriptor_sha256,
        content_sha256=delivery_content_sha256(descriptor, contents),
        files=files,
        contents=contents,
        source_path=folder.path,
    )
    reach("after hashing")
    registration = register(connection, received)
    return Arrival(folder, "duplicate" if registration.is_repeat else None, registration.delivery_id)


def _keep_descriptor(store: Store, landing: Landing, folder: Folder, kept: dict[str, str]) -> tuple[bytes, str]:
    try:
        with landing.open(folder, DESCRIPTOR) as file:
            stored = store.keep(file, limit=LARGEST_DESCRIPTOR)
    except UnsafeInputError as error:
        raise RefusalError("unsafe-path", f"{error.problem}. {error.remedy}") from error
    except FileNotFoundError as error:
        raise NotYetError("package-error", f"{PLACE} went away while it was read.") from error
    kept[DESCRIPTOR] = stored.sha256
    if stored.bytes > LARGEST_DESCRIPTOR:
        raise RefusalError("package-error", f"{PLACE} is larger than {LARGEST_DESCRIPTOR >> 20} MiB.")
    return stored.path.read_bytes(), stored.sha256


def _require_identity(connection: Connection, descriptor: Descriptor, folder: Folder) -> dt.date:
    """Return the valid_from of the branch; raise RefusalError where folder and manifest disagree or it is unknown."""
    pairs = (
        ("branchCode", descriptor.branch_code, folder.branch_code),
        ("businessDate", descriptor.business_date.isoformat(), folder.business_date),
        ("revision", descriptor.revision, folder.revision),
    )
    for name, declared, named in pairs:
        if declared != named:
            message = f"{name} is {str(declared)[:40]} in {PLACE} but {named} in the folder's name; make them equal."
            raise RefusalError("identity", message, column=name, value=str(declared)[:40])
    found = connection.execute(
        "select valid_from from meta.branches where branch_code = %s and %s between valid_from and coalesce(valid_to, 'infinity')",
        [descriptor.branch_code, descriptor.business_date],
    ).fetchone()
    if found is None:
        message = f"No branch has the code {descriptor.branch_code} on {descriptor.business_date}; use the code valid on that day."
        raise RefusalError("identity", message, column="branchCode", value=descriptor.branch_code)
    return found[0]  # type: ignore[no-any-return]


def _require_complete(descriptor: Descriptor, folder: Folder) -> None:
    for resource in descriptor.resources:
        size = folder.sizes.get(resource.path)
        if size is None:
            raise NotYetError("byte-count", f"{resource.path} is not there yet.")
        if size < resource.bytes:
            raise NotYetError(
                "byte-count", f"{resource.path} has {size} of {resource.bytes} bytes; waiting for the rest."
            )


def _keep_file(store: Store, landing: Landing, folder: Folder, resource: Resource, kept: dict[str, str]) -> StoredFile:
    try:
        with landing.open(folder, resource.path) as file:
            stored = store.keep(file, limit=resource.bytes)
    except UnsafeInputError as error:
        raise RefusalError("unsafe-path", f"{error.problem}. {error.remedy}", column=resource.dataset) from error
    except FileNotFoundError as error:
        raise NotYetError("byte-count", f"{resource.path} went away while it was read.") from error
    kept[resource.path] = stored.sha256
    if stored.bytes > resource.bytes:
        message = f"{resource.path} is longer than its declared {resource.bytes} bytes; write {PLACE} after the files are complete."
        raise RefusalError("byte-count", message, column=resource.dataset)
    if stored.bytes < resource.bytes:
        raise NotYetError("byte-count", f"{resource.path} became shorter while it was read; waiting for the rest.")
    if stored.sha256 != resource.sha256:
        message = f"The bytes of {resource.path} do not have the declared hash; send file and {PLACE} again."
        raise RefusalError("hash-count", message, column=resource.dataset, value=f"sha256:{stored.sha256}")
    return stored


def _read_known_contents(connection: Connection, descriptor: Descriptor) -> dict[tuple[str | None, ...], str]:
    """The content of the files that this date's revisions on record had: most files of a correction have not changed."""
    cursor = connection.execute(
        """
        select f.dataset, f.stored_sha256, r.declared ->> 'format', r.declared ->> 'compression', f.content_sha256
        from meta.deliveries as d
        inner join meta.delivery_files as f on d.delivery_id = f.delivery_id
        inner join jsonb_array_elements(d.descriptor -> 'resources') as r (declared) on r.declared ->> 'name' = f.dataset
        where d.branch_code = %s and d.business_date = %s and f.stored_sha256 = any(%s)
        """,
        [descriptor.branch_code, descriptor.business_date, [resource.sha256 for resource in descriptor.resources]],
    )
    return {tuple(form): content for *form, content in cursor}


def _form(resource: Resource) -> tuple[str | None, ...]:
    """What decides on the content of a file: its bytes, and how they are to be unpacked."""
    return resource.dataset, resource.sha256, resource.format, resource.compression


def content_sha256(stored: StoredFile, resource: Resource) -> str:
    """Hash the uncompressed bytes of a dataset; of a damaged stream, the stored ones (it will be held).

    Raises RefusalError for an archive bomb.
    """
    digest = hashlib.sha256()
    try:
        with open_stream(stored.path, resource.compression) as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
        with open_stream(stored.path, resource.compression) as stream:
            require_no_archive_bomb(stream, resource.format)
    except UnsafeInputError as error:
        raise RefusalError(
            "compression-error", f"{resource.path}: {error.problem}. {error.remedy}", column=resource.dataset
        ) from error
    except (DamagedInputError, ValueError):
        return stored.sha256
    return digest.hexdigest()


def delivery_content_sha256(descriptor: Descriptor, contents: dict[str, str]) -> str:
    """Hash the content of a delivery as the contract's section 1 defines it, and how its files are read.

    The same bytes read otherwise are other rows: which of them readers see must not hang on what came first (law 1).
    """
    previous = descriptor.previous_business_date
    readings = sorted((resource.dataset, resource.reading) for resource in descriptor.resources if resource.reading)
    parts = [
        descriptor.branch_code, descriptor.business_date.isoformat(), previous.isoformat() if previous else None,
        descriptor.working_day, sorted(descriptor.offices), sorted(contents.items()),
        *([readings] if readings else []),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


def _record_refusal(connection: Connection, arrival: Arrival, kept: dict[str, str]) -> None:
    folder, first = arrival.folder, arrival.findings[0]
    named = folder.is_named_well
    append_entry(connection, Entry(
        folder.branch_code if named else None, None, dt.date.fromisoformat(folder.business_date) if named else None,
        folder.revision, None, "refused", first["message"],
        detail={"path": folder.path, "fingerprint": folder.fingerprint, "rule": first["rule"], "kept": kept},
    ))  # fmt: skip


def _record_arrival(connection: Connection, arrival: Arrival) -> None:
    folder = arrival.folder
    named = folder.is_named_well
    connection.execute(
        """
        insert into meta.arrivals (path, fingerprint, branch_code, business_date, revision, delivery_id, verdict, findings)
        values (%s, %s, %s, %s, %s, %s, %s, %s)
        on conflict (path) do update set fingerprint = excluded.fingerprint, delivery_id = excluded.delivery_id,
            verdict = excluded.verdict, findings = excluded.findings, last_seen_at = now(), gone_at = null
        """,
        [
            folder.path, folder.fingerprint, folder.branch_code if named else None,
            folder.business_date if named else None, folder.revision, arrival.delivery_id, arrival.verdict or "registered",
            Jsonb(arrival.findings),
        ],
    )  # fmt: skip
