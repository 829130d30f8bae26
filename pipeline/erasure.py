"""Erasing a person, with proof (law 12): rows, stored files, logs and pages are cleaned, then searched.

Afterwards the proof names every place that was searched, with the hits before and after. What is erased comes back in no
later load: the list is asked before each, and by `erase_again` every day and after a restore.
"""

from __future__ import annotations

import datetime as dt
import json
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from contract.errors import WarehouseError
from contract.model import load_datasets
from ingestion.descriptor import Resource, parse_descriptor
from ingestion.erase import (
    CUSTOMERS,
    count_rows,
    erase_rows,
    forget_erased,
    names_person,
    personal_tables,
    read_values,
)
from ingestion.landing import without_password
from ingestion.rewrite import CannotRewriteError
from ingestion.store import Store
from pipeline.intake import working_on
from pipeline.traces import find_registered, find_strays, find_traces, mask_traces
from warehouse.connect import Connection, Warehouse

Say = Callable[[str], None]
LIST = "erasures.json"
"""The list beside the store as well: a backup of yesterday does not know who was erased today."""
SHORTEST = 6
"""Characters of a value that is searched for: shorter ones are found everywhere."""


@dataclass(frozen=True)
class Place:
    """A place that was searched: hits before and after; what a hit is depends on the place."""

    name: str
    before: int
    after: int


@dataclass(frozen=True)
class Proof:
    """What an erasure has done. `folders`: where the branch's own files still lie, which are not the warehouse's."""

    customer_id: str
    places: list[Place]
    files: int
    folders: list[str]

    @property
    def holds(self) -> bool:
        """True when nothing of the person is found any more."""
        return all(place.after == 0 for place in self.places)

    @property
    def text(self) -> str:
        """The proof as a table, without any value."""
        width = max(len(place.name) for place in self.places)
        lines = [f"{'searched':<{width}}  before  after"]
        lines += [f"{place.name:<{width}}  {place.before:>6}  {place.after:>5}" for place in self.places]
        lines.append(f"Customer {self.customer_id} is erased; {self.files} stored files were written again."
                     if self.holds else f"Something of customer {self.customer_id} is still there; see the table.")  # fmt: skip
        if self.folders:
            lines += [
                "What the branch delivered lies in the landing, which is not the warehouse's; have it removed there:",
                *self.folders,
            ]
        return "\n".join(lines)


def erase(warehouse: Warehouse, customer_id: str, by: str, reason: str, say: Say) -> Proof:
    """Erase a person everywhere and prove it. Raises WarehouseError for a customer that the books do not know."""
    with warehouse.connect("admin", autocommit=True) as connection:
        values = _read_values(warehouse, connection, customer_id)
        before, branches = _search(warehouse, connection, customer_id, values, say)
        connection.execute(
            "insert into meta.erasures (customer_id, erased_by, reason) values (%s, %s, %s) on conflict do nothing",
            [customer_id, by, reason],
        )
        files = erase_again(warehouse, say)
        mask_traces(warehouse, values)
        after, _ = _search(warehouse, connection, customer_id, values, say)
        loaded = connection.execute(
            "select distinct branch_code from personal.customers_rows where customer_id = %s", [customer_id]
        )
        branches |= {code for (code,) in loaded}
    places = [Place(name, before[name], after[name]) for name in before]
    landing = without_password(warehouse.settings.landing)
    return Proof(customer_id, places, files, [f"  {landing}/{code}" for code in sorted(branches)])


def erase_again(warehouse: Warehouse, say: Say, since: dt.datetime | None = None) -> int:
    """Erase everybody on the list from whatever is there, and return how many stored files were written again.

    `since`: only from what has been received after it, for every load asks for the list itself.
    """
    store = Store(warehouse.settings.store)
    files = 0
    with warehouse.connect("loader", autocommit=True) as connection:
        _read_list(warehouse, connection)
        erased = [found for (found,) in connection.execute("select customer_id from meta.erasures")]
        if not erased:
            return 0
        _write_list(warehouse, connection)
        deliveries = connection.execute(
            "select delivery_id, descriptor_sha256 from meta.deliveries "
            "where %s::timestamptz is null or received_at >= %s order by delivery_id",
            [since, since],
        ).fetchall()
        for delivery_id, descriptor in deliveries:
            # Whoever loads it has asked for the list before it grew: that load comes to its end first.
            with working_on(warehouse, delivery_id) as working:
                content = store.path(descriptor).read_bytes()
                files += forget_erased(working, store, delivery_id, parse_descriptor(content))
        try:
            _remove_unread(warehouse, connection, find_strays(warehouse, connection, erased, since), say)
        except psycopg.errors.LockNotAvailable:
            say("a night is receiving; what belongs to no delivery on record is removed next time")
        for table in erase_rows(connection, erased):
            say(f"{table.as_string()} is written again")
            # The old rows are in the table's pages until it is, and their values in its statistics.
            connection.execute(sql.SQL("vacuum (full, analyze) {}").format(table))
    return files


def _remove_unread(warehouse: Warehouse, connection: Connection, strays: list[Path], say: Say) -> None:
    """Remove what nothing reads. Raises LockNotAvailable while a night looks at a delivery: what it has kept is not on record yet."""
    store = Store(warehouse.settings.store)
    with connection.transaction():
        # Who receives next stands in line behind us, and one branch that takes long is not to keep all others waiting.
        connection.execute("set local lock_timeout = '2s'")
        connection.execute("select pg_advisory_xact_lock(hashtext('receiving'))")
        for path in store.files():
            if store.is_replaced(path.name):
                path.unlink()
                say(f"{path.name} was sent again, and is removed again")
        for path in sorted(set(strays) - find_registered(warehouse, connection)):
            store.replace(path.name, "")
            say(f"{path.name} of no delivery on record is removed")


def _read_values(warehouse: Warehouse, connection: Connection, customer_id: str) -> set[str]:
    """Every personal value of the customer that is long enough to be told from others, in both Unicode forms."""
    names = [column.name for column in load_datasets()[CUSTOMERS].pii_columns if column.sql_type != "date"]
    found: set[str] = set()
    is_known = False
    for table in personal_tables(connection):
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        statement = sql.SQL("select distinct {} from {} where customer_id = %s").format(columns, table)
        for row in connection.execute(statement, [customer_id]):
            is_known = True
            found |= {value for value in row if value and value != "(erased)"}
    if not is_known:
        # Of a held delivery only the bytes are kept, and after some time of any that is no month-end.
        for path, resource, _ in _customer_files(warehouse, connection):
            found |= read_values(path, resource, customer_id)
    if not is_known and not found and not connection.execute(
        "select 1 from meta.erasures where customer_id = %s", [customer_id]
    ).fetchone():  # fmt: skip
        raise WarehouseError(
            f"No delivery on record knows the customer {customer_id}",
            remedy="Check the id with the branch; after a restore use `pipeline erase --again`.",
        )
    found = {value for value in found if len(value) >= SHORTEST}
    return {unicodedata.normalize("NFC", value) for value in found} | {
        unicodedata.normalize("NFD", value) for value in found
    }


def _search(
    warehouse: Warehouse, connection: Connection, customer_id: str, values: set[str], say: Say
) -> tuple[dict[str, int], set[str]]:
    """Return the hits by place, and the branches that have delivered a file with one."""
    say("searching ...")
    branches = list(_find_files(warehouse, connection, customer_id))
    found = {
        "personal: rows of the customer with a value": count_rows(connection, [customer_id]),
        "store: files with a value of the customer": len(branches),
    }
    for schema in ("raw", "meta", "staging", "intermediate", "mart_builds", "quarters"):
        found[f"{schema}: rows with a value"] = sum(_count_in_schema(connection, schema, values))
    found["store: stray files that name the customer"] = len(find_strays(warehouse, connection, [customer_id]))
    for name, paths in find_traces(warehouse, values).items():
        found[f"{name}: files with a value"] = len(paths)
    return found, set(branches)


def _find_files(warehouse: Warehouse, connection: Connection, customer_id: str) -> Iterator[str]:
    """The branch of every stored file of customers that holds a value of this one, or that nobody can read."""
    for path, resource, branch_code in _customer_files(warehouse, connection):
        try:
            if names_person(path, resource, [customer_id]):
                yield branch_code
        except CannotRewriteError:
            yield branch_code


def _customer_files(warehouse: Warehouse, connection: Connection) -> Iterator[tuple[Path, Resource, str]]:
    """Every stored file of customers of a delivery on record, with what its manifest says of it, and its branch."""
    store = Store(warehouse.settings.store)
    found = {}
    for (sha256,) in connection.execute("select distinct descriptor_sha256 from meta.deliveries").fetchall():
        descriptor = parse_descriptor(store.path(sha256).read_bytes())
        for resource in descriptor.resources:
            if resource.dataset == CUSTOMERS:
                found[store.path(resource.sha256)] = (resource, descriptor.branch_code)
    return ((path, resource, code) for path, (resource, code) in found.items() if path.exists())


def _count_in_schema(connection: Connection, schema: str, values: set[str]) -> Iterator[int]:
    tables = connection.execute(
        "select c.relname from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid "
        "where n.nspname = %s and c.relkind = 'r'",
        [schema],
    ).fetchall()
    for (table,) in tables if values else []:
        statement = sql.SQL("select count(*) from {} as t where exists (select from unnest(%s::text[]) as v (value) "
                            "where position(v.value in t::text) > 0)").format(sql.Identifier(schema, table))  # fmt: skip
        row = connection.execute(statement, [sorted(values)]).fetchone()
        yield row[0] if row else 0


def _write_list(warehouse: Warehouse, connection: Connection) -> None:
    rows = connection.execute("select customer_id, erased_at::text, erased_by, reason from meta.erasures order by 2")
    path = warehouse.settings.store / LIST
    part = path.with_name(f".{LIST}")
    part.write_text(json.dumps(rows.fetchall(), ensure_ascii=False, indent=1), encoding="utf-8")
    part.replace(path)


def _read_list(warehouse: Warehouse, connection: Connection) -> None:
    """Take over who was erased after the backup that this database was restored from."""
    path = warehouse.settings.store / LIST
    if path.exists():
        for row in json.loads(path.read_text(encoding="utf-8")):
            connection.execute(
                "insert into meta.erasures (customer_id, erased_at, erased_by, reason) values (%s, %s, %s, %s) "
                "on conflict do nothing",
                row,
            )
