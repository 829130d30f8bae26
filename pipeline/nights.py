"""Nights on record: when one began and ended, and whether one was killed. What `watch` and the digest ask."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from pipeline.deadline import ZONE
from warehouse.connect import Connection, Warehouse

LOCK = "warehouse.night"


@dataclass(frozen=True)
class Killed:
    """A night of the command line that began and is neither running nor ended.

    `made_up_at` is when a later night came to its end; it went on from there.
    """

    night_id: int
    started_at: dt.datetime
    made_up_at: dt.datetime | None

    def __str__(self) -> str:
        return (
            f"the night that began at {self.started_at.astimezone(ZONE):%Y-%m-%d %H:%M} by command line was killed; "
            "nothing half-done is visible, the next night goes on from there"
        )


@contextmanager
def recorded_night(warehouse: Warehouse) -> Iterator[dict[str, Any]]:
    """Record a night of the command line: begun at once, ended with what the block has put into the summary.

    The advisory lock tells a night that runs from one that was killed; it goes with the process, however that ends.
    """
    with warehouse.connect("loader", autocommit=True) as connection:
        row = connection.execute(
            "insert into meta.nights (started_by) values ('command line') returning night_id"
        ).fetchone()
        assert row is not None
        connection.execute("select pg_advisory_lock(hashtext(%s), %s::integer)", [LOCK, row[0]])
        summary: dict[str, Any] = {}
        try:
            yield summary
        except BaseException as error:
            summary["error"] = type(error).__name__
            raise
        finally:
            try:
                _end(connection, row[0], summary)
            except psycopg.OperationalError:
                # The server was restarted while the night went on: that is no reason to call it killed.
                with warehouse.connect("loader") as another:
                    _end(another, row[0], summary)


def record_run(warehouse: Warehouse, run_id: str, started_at: dt.datetime, failed_tasks: list[str]) -> None:
    """Record a night of Airflow's once it has come to its last task; recorded again, it is the same night.

    Where a task has failed it has an error of its own, like a night of the command line that broke off for a branch.
    """
    summary = {"failed_tasks": failed_tasks, **({"error": "failed tasks"} if failed_tasks else {})}
    with warehouse.connect("loader", autocommit=True) as connection:
        connection.execute(
            """
            insert into meta.nights (started_by, run_id, started_at, ended_at, summary)
            values ('airflow', %s, %s, clock_timestamp(), %s)
            on conflict (run_id) do update set ended_at = excluded.ended_at, summary = excluded.summary
            """,
            [run_id, started_at, Jsonb(summary)],
        )


def find_killed_nights(connection: Connection, since: dt.datetime | None = None) -> list[Killed]:
    """Return the nights of the command line that were killed, begun after `since` (default: in the last two days)."""
    rows = connection.execute(
        """
        select night_id, started_at, (
            select min(later.ended_at) from meta.nights as later
            where later.night_id > n.night_id and not later.summary ? 'error'
        ) from meta.nights as n
        where ended_at is null and started_by = 'command line'
            and started_at > coalesce(%s::timestamptz, now() - interval '2 days')
            and not exists (
                select from pg_locks as l
                where l.locktype = 'advisory' and l.objsubid = 2 and l.objid = n.night_id
                    and l.classid = (hashtext(%s)::bigint & 4294967295)
                    and l.database = (select oid from pg_database where datname = current_database())
            )
        order by night_id
        """,
        [since, LOCK],
    ).fetchall()
    return [Killed(*row) for row in rows]


def last_night_ended(connection: Connection) -> dt.datetime | None:
    """Return when a night last came to its end without an error of its own; held deliveries are no error."""
    row = connection.execute(
        "select max(ended_at) from meta.nights where not summary ? 'error'"
    ).fetchone()  # fmt: skip
    return row[0] if row else None


def _end(connection: Connection, night_id: int, summary: dict[str, Any]) -> None:
    connection.execute(
        "update meta.nights set ended_at = clock_timestamp(), summary = %s where night_id = %s",
        [Jsonb(summary), night_id],
    )
