"""The marts, brought up to what the ledger says: open a build, let dbt make and test its rows, flip.

Work is proportional to what has changed: a unit (part, branch, date; see warehouse/ddl/004_builds.sql) is made again when
the fingerprint of what its figures depend on differs from that of the rows that readers see. Rows are built beside the
visible ones, tagged with the build; one transaction flips all of them. One build at a time: every step holds an advisory
lock, and a build that crashed, or was left between two steps, is abandoned by the next one.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import psycopg
from psycopg import sql

from contract.errors import WarehouseError
from pipeline import build_statements as statements
from pipeline.transform import AREAS, CandidatesError, Progress, build_areas, calculation_version, definition_version
from warehouse.connect import Connection, Warehouse
from warehouse.faults import reach

LOCK = "warehouse.build"
BuildAreas = Callable[..., None]
"""Called as `transform.build_areas` is."""
ROWS_AT_ONCE = 12_000_000
"""Loans and transactions that one build reads at most (one date at least): a night of the nation in one piece."""


@dataclass
class BuildResult:
    """What `build` did: `builds` flipped, and of them the number of units made again or removed, by part."""

    builds: list[int] = field(default_factory=list)
    units: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def changed(self) -> bool:
        return bool(self.builds)


def build(
    warehouse: Warehouse,
    *,
    full: bool = False,
    progress: Progress | None = None,
    build_areas: BuildAreas = build_areas,
) -> BuildResult:
    """Bring all marts up to date, oldest dates first, flipping batch by batch. `full`: make every unit again.

    When a batch fails, each family of branches in it is built alone, so that one bad branch never stops another. Raises
    WarehouseError at the end for those that failed; what readers see of them is unchanged.
    """
    started = time.monotonic()
    with _one_at_a_time(warehouse) as connection:
        if full:
            _forget_fingerprints(connection)
        work = _Work(warehouse, connection, progress or (lambda _: None), build_areas)
        error = work.build_batches()
        if error is not None:
            families = _find_families(connection)
            work.say(f"{error.problem} Each of {len(families)} families of branches is now built alone.")
            errors = [work.build_batches(family) for family in families] if len(families) > 1 else [error]
            error = next((found for found in errors if found is not None), None)
        _remove_superseded_rows(connection)
    if error is not None:
        raise error
    work.result.seconds = time.monotonic() - started
    return work.result


def open_build(warehouse: Warehouse) -> int | None:
    """Open a build of what is to be done, as much as fits in one; return its number, None when there is nothing to do."""
    with _one_at_a_time(warehouse) as connection:
        return _open(connection)


def run_areas(
    warehouse: Warehouse, build_id: int, areas: Collection[str] | None = None, progress: Progress | None = None
) -> None:
    """Make and test the candidate rows of a build, all areas or some. Errors: WarehouseError; nothing has flipped then."""
    with _one_at_a_time(warehouse) as connection:
        wanted = [area for area in AREAS if areas is None or area in areas]
        _run(connection, build_id, wanted, partial(build_areas, warehouse, progress=progress))


def flip(warehouse: Warehouse, build_id: int) -> None:
    """Show the rows of a build to readers, all in one transaction, then remove those that nobody sees any more.

    Every area must have been built and tested.
    """
    with _one_at_a_time(warehouse) as connection:
        _flip(connection, build_id)
        _remove_superseded_rows(connection)


def remove_superseded_rows(warehouse: Warehouse) -> int:
    """Delete the rows of marts that no reader sees any more, and return how many there were."""
    with _one_at_a_time(warehouse) as connection:
        return _remove_superseded_rows(connection)


@dataclass
class _Work:
    """The batches of one call of `build`, under one lock."""

    warehouse: Warehouse
    connection: Connection
    say: Progress
    build_areas: BuildAreas
    result: BuildResult = field(default_factory=BuildResult)

    def build_batches(self, branches: Sequence[str] | None = None) -> CandidatesError | None:
        """Build batch after batch, of some branches or all, until nothing is left or one fails; return what failed."""
        while (build_id := _open(self.connection, branches)) is not None:
            try:
                self.build_one(build_id)
            except CandidatesError as error:
                _abandon(self.connection)
                return error
        return None

    def build_one(self, build_id: int) -> None:
        counted = "select part, count(*) from meta.build_units where build_id = %s group by part order by part"
        units: dict[str, int] = dict(self.connection.execute(counted, [build_id]).fetchall())
        self.say(f"build {build_id}: " + ", ".join(f"{count} {part}" for part, count in units.items()))
        _run(self.connection, build_id, AREAS, partial(self.build_areas, self.warehouse, progress=self.say))
        _flip(self.connection, build_id)
        self.result.builds.append(build_id)
        for part, count in units.items():
            self.result.units[part] = self.result.units.get(part, 0) + count


@contextlib.contextmanager
def _one_at_a_time(warehouse: Warehouse) -> Iterator[Connection]:
    """Hold the lock of all builds for as long as the connection lives; a process that dies lets go of it."""
    with warehouse.connect("transformer", autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(hashtext(%s))", [LOCK])
        yield connection


def _open(connection: Connection, branches: Sequence[str] | None = None) -> int | None:
    """Abandon what was left running and open a build of the oldest dates that have something to do."""
    with connection.transaction():
        _abandon(connection)
        seen = connection.execute(
            "select coalesce(max(entry_no), 0), meta.reference_version(), %s from meta.ledger", [calculation_version()]
        ).fetchone()
        assert seen is not None
        if branches is None and connection.execute(statements.IS_UP_TO_DATE, seen).fetchone():
            return None
        parameters = {"ledger": seen[0], "calculation": seen[2], "branches": branches, "rows": ROWS_AT_ONCE}
        connection.execute(statements.FIND_CHANGED, parameters)
        found = connection.execute("select count(*), coalesce(bool_and(is_now), true) from changed_units").fetchone()
        assert found is not None
        is_last = bool(found[1]) and branches is None
        if not found[0]:
            if branches is None:
                connection.execute(statements.RECORD_UP_TO_DATE, seen)
            connection.execute("drop table changed_units")
            return None
        build_id = connection.execute(statements.OPEN_BUILD, [*seen, definition_version(), is_last]).fetchone()
        assert build_id is not None
        connection.execute(statements.TAKE_UNITS, {"build": build_id[0], "whole": branches is None})
        connection.execute("drop table changed_units")
        return int(build_id[0])


def _run(connection: Connection, build_id: int, areas: Sequence[str], make: Callable[..., None]) -> None:
    _require_running(connection, build_id)
    defined = connection.execute(statements.IS_DEFINED, [definition_version()]).fetchone()
    parts = None
    if defined and defined[0]:
        found = connection.execute(
            "select distinct part from meta.build_units where build_id = %s order by 1", [build_id]
        )
        parts = [part for (part,) in found]
    running = connection.execute("select meta.describe_running_build()").fetchone()
    assert running is not None
    make(areas, parts, running[0])
    connection.execute(
        "update meta.builds set areas_done = (select array_agg(distinct area) from unnest(areas_done || %s) as area) "
        "where build_id = %s",
        [list(areas), build_id],
    )


def _flip(connection: Connection, build_id: int) -> None:
    with connection.transaction():
        done = _require_running(connection, build_id)
        if missing := [area for area in AREAS if area not in done]:
            raise WarehouseError(
                f"Build {build_id} cannot flip: {', '.join(missing)} not built and tested.",
                remedy="Run these areas of the build, or open a new build.",
            )
        for statement in statements.FLIP:
            connection.execute(statement, [build_id])
        reach("before the marts flip")
    reach("after the marts flip")


def _require_running(connection: Connection, build_id: int) -> list[str]:
    """Return the areas done of a build that is the running one. Raises WarehouseError when another has taken over."""
    found = connection.execute(
        "select areas_done from meta.builds where build_id = %s and build_id = (select build_id from meta.running_build) "
        "for update",
        [build_id],
    ).fetchone()
    if found is None:
        raise WarehouseError(
            f"Build {build_id} is not running any more: another has taken over its work, or it has flipped.",
            remedy="Nothing is lost; open a build to see whether anything is left to do.",
        )
    return list(found[0])


def _abandon(connection: Connection) -> None:
    """Give up what is left running; housekeeping deletes its rows."""
    connection.execute(statements.ABANDON)


def _forget_fingerprints(connection: Connection) -> None:
    with connection.transaction():
        connection.execute("update meta.current_units set fingerprint = ''")
        connection.execute("update meta.builds set is_last = false where is_last")


def _find_families(connection: Connection) -> list[list[str]]:
    """The codes of branches of which something is visible, one list for each branch of today."""
    return [list(codes) for (codes,) in connection.execute(statements.FAMILIES)]


def _remove_superseded_rows(connection: Connection) -> int:
    """Delete what no reader sees any more: rows of marts, and what was kept of deliveries that no unit is about."""
    removed = 0
    with connection.transaction():
        for table, part, branch_column, date_column in connection.execute(statements.TABLES_TO_CLEAN).fetchall():
            statement = sql.SQL(statements.REMOVE_ROWS).format(
                table=sql.Identifier("mart_builds", table),
                branch=sql.Identifier("built", branch_column) if branch_column else sql.Literal("*"),
                day=sql.Identifier("built", date_column) if date_column else sql.SQL("'infinity'::date"),
            )
            removed += connection.execute(statement, {"part": part}).rowcount
        for schema, table, part in connection.execute(statements.KEPT_TABLES_TO_CLEAN).fetchall():
            statement = sql.SQL(statements.REMOVE_KEPT_ROWS).format(table=sql.Identifier(schema, table))
            connection.execute(statement, {"part": part})
        connection.execute("delete from meta.superseded_units")
    _drop_empty_partitions(connection)
    return removed


def _drop_empty_partitions(connection: Connection) -> None:
    """Drop the partitions of days that are all retired; readers never wait, and what is busy is left for the next time."""
    for table, partition, how in connection.execute(statements.RETIRED_PARTITIONS).fetchall():
        leaf = sql.Identifier("mart_builds", partition)
        if connection.execute(sql.SQL("select exists (select from {})").format(leaf)).fetchone() != (False,):
            continue
        connection.execute("set lock_timeout = '2s'")
        with contextlib.suppress(psycopg.errors.LockNotAvailable):
            connection.execute(
                sql.SQL("alter table {} detach partition {} {}").format(
                    sql.Identifier("mart_builds", table), leaf, sql.SQL(how)
                )
            )
            connection.execute(sql.SQL("drop table {}").format(leaf))
        connection.execute("reset lock_timeout")
