"""Erasing persons (law 12): out of the stored bytes of every delivery, and out of every later load.

`meta.erasures` is the list, of customer ids alone. A stored file that names one of them is written again without the
person, a note in the store leads from the old hash to the new one, and the ledger keeps both. The customer id stays, and
with it every amount: no total changes.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from contract.model import load_datasets
from ingestion.descriptor import Descriptor, Resource
from ingestion.ledger import Entry, append_entry
from ingestion.rewrite import CannotRewriteError, erased_value, find_values, holds_values, rewrite
from ingestion.store import Store
from ingestion.streams import open_stream
from warehouse.connect import Connection

CUSTOMERS = "customers"


def forget_erased(connection: Connection, store: Store, delivery_id: int, descriptor: Descriptor) -> int:
    """Write the delivery's customers again where they name somebody on the list, and return how many files that were.

    Called before every load, also of what branches deliver after the erasure. `connection` is in autocommit mode. A file
    that cannot be written again is removed once its delivery has a verdict.
    """
    erased = [found for (found,) in connection.execute("select customer_id from meta.erasures order by customer_id")]
    if not erased:
        return 0
    done = [
        _forget(connection, store, delivery_id, resource, erased)
        for resource in descriptor.resources
        if load_datasets()[resource.dataset].pii_columns
    ]
    return sum(done)


def erase_rows(connection: Connection, customer_ids: Sequence[str]) -> list[sql.Identifier]:
    """Blank the personal values of customers in every table of `personal` and return the tables that held any."""
    dataset = load_datasets()[CUSTOMERS]
    columns = [(column.name, erased_value(dataset, column.name)) for column in dataset.pii_columns]
    blank = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value)) for name, value in columns
    )
    touched = []
    for table in personal_tables(connection):
        statement = sql.SQL("update {} set {} where customer_id = any(%s) and {}").format(
            table, blank, _is_personal(columns)
        )
        if connection.execute(statement, [list(customer_ids)]).rowcount:
            touched.append(table)
    return touched


def count_rows(connection: Connection, customer_ids: Sequence[str]) -> int:
    """Return how many rows of `personal` still hold a personal value of these customers."""
    dataset = load_datasets()[CUSTOMERS]
    columns = [(column.name, erased_value(dataset, column.name)) for column in dataset.pii_columns]
    count = 0
    for table in personal_tables(connection):
        statement = sql.SQL("select count(*) from {} where customer_id = any(%s) and {}").format(
            table, _is_personal(columns)
        )
        row = connection.execute(statement, [list(customer_ids)]).fetchone()
        count += row[0] if row else 0
    return count


def personal_tables(connection: Connection) -> list[sql.Identifier]:
    """Return every table of `personal` that holds rows, also of deliveries that are only being judged."""
    cursor = connection.execute(
        "select c.relname from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid "
        "where n.nspname = 'personal' and c.relkind = 'r' order by 1"
    )
    return [sql.Identifier("personal", name) for (name,) in cursor]


def names_person(path: Path, resource: Resource, customer_ids: Sequence[str]) -> bool:
    """Return whether a stored file of customers still holds a personal value of one of these.

    Raises CannotRewriteError when it cannot be read, for then nobody can say.
    """
    if not resource.has_known_form:
        raise CannotRewriteError("a form that the contract does not know")
    return _mentions(path, resource, customer_ids) and holds_values(
        path, load_datasets()[resource.dataset], resource, customer_ids
    )


def read_values(path: Path, resource: Resource, customer_id: str) -> set[str]:
    """Return the personal values of a customer in a stored file of customers, dates apart; none where it cannot be read."""
    dataset = load_datasets()[resource.dataset]
    return find_values(path, dataset, resource, customer_id) if _mentions(path, resource, [customer_id]) else set()


def as_kept(store: Store, content: bytes) -> bytes:
    """Return a stored descriptor with size and hash of the files as they are kept now: what a second door asks for.

    The same bytes where nobody was erased.
    """
    document = json.loads(content)
    is_changed = False
    for resource in document["resources"]:
        declared = str(resource["hash"]).removeprefix("sha256:")
        path = store.path(declared)
        if path.name != declared and path.exists():
            resource |= {"bytes": path.stat().st_size, "hash": f"sha256:{path.name}"}
            is_changed = True
    return json.dumps(document, ensure_ascii=False).encode() if is_changed else content


@dataclass(frozen=True)
class _Kept:
    """What stands for a file now; hash and size of nothing are "" and 0."""

    sha256: str
    bytes: int


def _forget(
    connection: Connection, store: Store, delivery_id: int, resource: Resource, customer_ids: Sequence[str]
) -> bool:
    old = store.path(resource.sha256)
    if not old.exists():
        return False
    try:
        if not names_person(old, resource, customer_ids):
            return False
        with tempfile.TemporaryDirectory(dir=store.root, prefix="incoming-") as folder:
            part = Path(folder) / "rewritten"
            rewrite(old, part, load_datasets()[resource.dataset], resource, customer_ids)
            with part.open("rb") as file:
                stored = store.keep(file)
        kept = _Kept(stored.sha256, stored.bytes)
    except CannotRewriteError:
        if not _is_judged(connection, delivery_id):
            # It is read first, so that the branch hears what is wrong; nothing of such a file is loaded.
            return False
        # It names the person and cannot be cleaned: bytes that no reader can make sense of are not kept at such a price.
        kept = _Kept("", 0)
    _record(connection, delivery_id, resource, old, kept)
    store.replace(old.name, kept.sha256)
    return True


def _is_judged(connection: Connection, delivery_id: int) -> bool:
    row = connection.execute(
        "select exists (select from meta.ledger where delivery_id = %s)", [delivery_id]
    ).fetchone()  # fmt: skip
    return bool(row and row[0])


def _record(connection: Connection, delivery_id: int, resource: Resource, old: Path, kept: _Kept) -> None:
    with connection.transaction():
        connection.execute(
            "insert into meta.erased_files (delivery_id, old_sha256, new_sha256, old_bytes, new_bytes) "
            "values (%s, %s, %s, %s, %s)",
            [delivery_id, old.name, kept.sha256, old.stat().st_size, kept.bytes],
        )
        row = connection.execute(
            "select branch_code, branch_valid_from, business_date from meta.deliveries where delivery_id = %s",
            [delivery_id],
        ).fetchone()
        assert row is not None
        code, valid_from, date = row
        how = (
            "was written again without erased persons" if kept.sha256 else "could not be written again, and was removed"
        )
        append_entry(connection, Entry(
            code, valid_from, date, None, None, "erased", f"{resource.path} {how}.",
            detail={"delivery_id": delivery_id, "path": resource.path, "old_sha256": old.name, "new_sha256": kept.sha256},
        ))  # fmt: skip


def _mentions(path: Path, resource: Resource, customer_ids: Sequence[str]) -> bool:
    """Whether the bytes hold one of the ids: most files do not, and this is a hundred times as fast as reading them."""
    if resource.format != "csv":
        return True
    wanted = [customer_id.encode() for customer_id in customer_ids]
    longest, tail = max(map(len, wanted)), b""
    try:
        with open_stream(path, resource.compression) as stream:
            while chunk := stream.read(1 << 20):
                if any(name in tail + chunk for name in wanted):
                    return True
                tail = (tail + chunk)[-longest:]
    except Exception:
        return True
    return False


def _is_personal(columns: Sequence[tuple[str, str | None]]) -> sql.Composed:
    return sql.SQL("({})").format(
        sql.SQL(" or ").join(
            sql.SQL("{} is distinct from {}").format(sql.Identifier(name), sql.Literal(value))
            for name, value in columns
        )
    )
