"""Housekeeping of loaded rows: what readers no longer see is dropped, without their ever waiting for it.

Kept for ever: every month-end of every state, and all events (spec/marts.md). Kept for 100 days up to the newest
published date that has come: the daily states in between. Superseded and held deliveries keep their bytes in the store, not their rows.
A check that needs retired rows stages them again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import LiteralString

import psycopg
from psycopg import sql

from contract.model import Dataset, load_datasets
from ingestion.publish import family_lock
from ingestion.succession import read_succession
from warehouse.connect import Connection, Warehouse

DAYS_KEPT = 100
LOCK_PATIENCE = "2s"

TO_RETIRE = """
    with newest as (
        select meta.newest_business_date(max(e.entry_no)) as business_date from meta.ledger as e
    )

    select
        l.delivery_id,
        v.delivery_id is not null as is_visible
    from meta.loads as l
    inner join meta.deliveries as d on l.delivery_id = d.delivery_id
    inner join meta.intakes as i on l.delivery_id = i.delivery_id
    cross join newest
    left join meta.visible_deliveries as v on l.delivery_id = v.delivery_id
    where
        l.retired_at is null
        and (%(only)s::bigint is null or l.delivery_id = %(only)s::bigint)
        and i.could_not_run is null
        and exists (select from meta.ledger as e where e.delivery_id = l.delivery_id)
        and not exists (
            select from meta.build_units as u
            inner join meta.running_build as b on u.build_id = b.build_id
            where u.delivery_id = l.delivery_id or l.delivery_id = any(u.reads)
        )
        and (
            v.delivery_id is null
            or (
                d.business_date < newest.business_date - %(days)s
                and d.business_date <> (date_trunc('month', d.business_date) + interval '1 month - 1 day')::date
            )
        )
    order by l.delivery_id
"""

# Chunks without a leaf, the one of the newest delivery apart: what comes back to one makes it again.
EMPTY_CHUNKS = """
    select
        n.nspname,
        substring(c.relname from '(.+)_c[0-9]+$'),
        substring(c.relname from '_c([0-9]+)$')::bigint as number
    from pg_class as c
    inner join pg_namespace as n on c.relnamespace = n.oid
    where
        n.nspname in ('raw', 'personal')
        and c.relkind = 'p'
        and c.relname ~ '_c[0-9]+$'
        and (%(only)s::text is null or c.oid = to_regclass(%(only)s::text))
        and not exists (select from pg_inherits as i where i.inhparent = c.oid)
        and substring(c.relname from '_c([0-9]+)$')::bigint < (select meta.chunk_no(max(d.delivery_id)) from meta.deliveries as d)
    order by 1, 2, 3
"""


@dataclass(frozen=True)
class Retired:
    """How many deliveries lost all their rows, and how many only their daily states."""

    whole: int
    states: int


def retire_rows(warehouse: Warehouse, progress: Callable[[str], None]) -> Retired:
    """Drop the rows that need not be kept. Safe at any time; what is busy is left for the next time.

    A delivery is first recorded as retired, then its tables are dropped: whoever needs its rows stages them again, also
    when this is cut off in between. Nothing is retired while it is decided what is visible for its branch, or while it is
    being loaded.
    """
    whole = states = 0
    with warehouse.connect("loader", autocommit=True) as connection:
        connection.execute(sql.SQL("set lock_timeout = {}").format(sql.Literal(LOCK_PATIENCE)))
        for delivery_id, _ in connection.execute(TO_RETIRE, {"days": DAYS_KEPT, "only": None}).fetchall():
            with (
                _patient(progress, f"delivery {delivery_id} is busy; its rows are dropped next time"),
                _undisturbed(connection, delivery_id),
            ):
                found = connection.execute(TO_RETIRE, {"days": DAYS_KEPT, "only": delivery_id}).fetchone()
                if found:
                    _retire(connection, delivery_id, keeps_events=found[1])
                    whole, states = whole + (not found[1]), states + found[1]
        for delivery_id in sorted(_find_leftovers(connection)):
            with (
                _patient(progress, f"delivery {delivery_id} is busy; its rows are dropped next time"),
                _undisturbed(connection, delivery_id),
            ):
                _drop_leaves(connection, delivery_id, _find_leftovers(connection).get(delivery_id, []))
        for schema, dataset, number in connection.execute(EMPTY_CHUNKS, {"only": None}).fetchall():
            _drop_chunk(connection, schema, dataset, number, progress)
    return Retired(whole, states)


def find_lacking(connection: Connection, delivery_id: int) -> list[Dataset]:
    """Return the datasets of a delivery whose rows are not kept: where its events are, readers still read them."""
    keeps_events = connection.execute(
        "select from meta.loads where delivery_id = %s and retired_at is not null", [delivery_id]
    ).fetchone()
    return [
        dataset for dataset in load_datasets().values() if not (keeps_events is not None and dataset.kind == "events")
    ]


def drop_attached_leaves(warehouse: Warehouse, delivery_id: int, datasets: Iterable[Dataset] | None = None) -> None:
    """Take what is left of a delivery's rows out of their tables, so that they can be staged again."""
    with warehouse.connect("loader", autocommit=True) as connection:
        _drop_leaves(connection, delivery_id, load_datasets().values() if datasets is None else datasets)


@contextmanager
def _patient(progress: Callable[[str], None], note: str) -> Iterator[None]:
    """Leave for the next time what somebody is busy with, whether that is noticed before the block or in it."""
    try:
        yield
    except psycopg.errors.LockNotAvailable:
        progress(note)


@contextmanager
def _undisturbed(connection: Connection, delivery_id: int) -> Iterator[None]:
    """Keep decisions on the branch, and loads of the delivery, out for as long as the block takes."""
    row = connection.execute(
        "select branch_code, branch_valid_from from meta.deliveries where delivery_id = %s", [delivery_id]
    ).fetchone()
    assert row is not None
    lock = family_lock(read_succession(connection).family((row[0], row[1])))
    with (
        _holding(connection, "hashtext(%s)", lock),
        # What is being loaded has personal rows before it is on record: they are no leftover.
        _holding(connection, "hashtext('delivery'), %s", delivery_id),
    ):
        yield


@contextmanager
def _holding(connection: Connection, lock: LiteralString, key: object) -> Iterator[None]:
    connection.execute(f"select pg_advisory_lock({lock})", [key])
    try:
        yield
    finally:
        connection.execute(f"select pg_advisory_unlock({lock})", [key])


def _retire(connection: Connection, delivery_id: int, *, keeps_events: bool) -> None:
    with connection.transaction():
        for dataset in load_datasets().values():
            if not dataset.is_large and not (keeps_events and dataset.kind == "events"):
                rows = sql.Identifier("raw", f"{dataset.name}_rows")
                connection.execute(sql.SQL("delete from {} where delivery_id = %s").format(rows), [delivery_id])
        if keeps_events:
            connection.execute("update meta.loads set retired_at = now() where delivery_id = %s", [delivery_id])
        else:
            connection.execute("delete from meta.loads where delivery_id = %s", [delivery_id])


def _find_leftovers(connection: Connection) -> dict[int, list[Dataset]]:
    """The tables of large datasets that belong to no loaded delivery, by delivery."""
    loaded: dict[int, bool] = dict(
        connection.execute("select delivery_id, retired_at is not null from meta.loads").fetchall()
    )
    tables = connection.execute(
        "select c.relname from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid "
        "where n.nspname in ('raw', 'personal') and c.relkind = 'r' and c.relname ~ '_d[0-9]+$'"
    )
    found: dict[int, list[Dataset]] = {}
    for (table,) in tables:
        name = re.fullmatch(r"(.+)_d([0-9]+)", table)
        assert name is not None
        dataset, delivery_id = load_datasets()[name[1]], int(name[2])
        is_loaded = delivery_id in loaded and not (loaded[delivery_id] and dataset.kind == "full")
        if not is_loaded and dataset not in found.setdefault(delivery_id, []):
            found[delivery_id].append(dataset)
    return {delivery_id: datasets for delivery_id, datasets in found.items() if datasets}


def _drop_leaves(connection: Connection, delivery_id: int, datasets: Iterable[Dataset]) -> None:
    for dataset in datasets:
        if dataset.is_large:
            _drop_leaf(connection, "raw", dataset, delivery_id)
            if dataset.pii_columns:
                _drop_leaf(connection, "personal", dataset, delivery_id)


def _drop_leaf(connection: Connection, schema: str, dataset: Dataset, delivery_id: int) -> None:
    """Take a leaf out of its chunk and drop it. Who has read of the chunk in an open transaction is waited for."""
    _detach(connection, f"{schema}.{dataset.name}_d{delivery_id}")
    leaf = sql.Identifier(schema, f"{dataset.name}_d{delivery_id}")
    connection.execute(sql.SQL("drop table if exists {}").format(leaf))


def _drop_chunk(
    connection: Connection, schema: str, dataset: str, number: int, progress: Callable[[str], None]
) -> None:
    """Drop a chunk that is still empty once nobody attaches to it (meta.attach_leaf holds the same lock)."""
    chunk = f"{schema}.{dataset}_c{number}"
    with (
        _patient(progress, f"{chunk} is busy; it is dropped next time"),
        _holding(connection, "hashtext('chunk ' || %s)", chunk),
    ):
        if connection.execute(EMPTY_CHUNKS, {"only": chunk}).fetchone():
            _detach(connection, chunk)
            connection.execute(sql.SQL("drop table {}").format(sql.Identifier(*chunk.split("."))))


def _detach(connection: Connection, name: str) -> None:
    """Detach without ever making a reader wait, where it is attached. An interrupted detach is finished first."""
    row = connection.execute(
        "select n.nspname, c.relname, i.inhdetachpending from pg_inherits as i inner join pg_class as c "
        "on i.inhparent = c.oid inner join pg_namespace as n on c.relnamespace = n.oid where i.inhrelid = to_regclass(%s)",
        [name],
    ).fetchone()
    if row:
        whole, part = sql.Identifier(row[0], row[1]), sql.Identifier(*name.split("."))
        how = sql.SQL("finalize" if row[2] else "concurrently")
        connection.execute(sql.SQL("alter table {} detach partition {} {}").format(whole, part, how))
