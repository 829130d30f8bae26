"""One delivery from registered to judged: load, validate, measure. Shared by the DAGs, the command line and the check."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager

import psycopg
from psycopg.types.json import Jsonb

from contract.errors import WarehouseError, describe_failure
from contract.model import load_datasets
from ingestion.ledger import copy_findings, drop_repeated_findings
from ingestion.load import analyze_rows, attach_rows, drop_rows, load_delivery
from ingestion.publish import Measure, Stage, lock_family
from ingestion.retire import drop_attached_leaves, find_lacking
from ingestion.rules import Counts, count_findings, find_dataset_violations, measure_opening
from ingestion.succession import Key, read_succession
from warehouse.connect import Connection, Warehouse
from warehouse.faults import reach

Progress = Callable[[str], None]


def quiet(_: str) -> None:
    """Show no progress."""


def pending_deliveries(
    connection: Connection, branch_code: str, *, is_loaded: bool, only: int | None = None
) -> list[int]:
    """Return the deliveries of a branch without a judgement of their own, oldest first: those loaded, or those not.

    `only`: ask of this one alone.
    """
    cursor = connection.execute(
        """
        select d.delivery_id from meta.deliveries as d
        left join meta.intakes as i on i.delivery_id = d.delivery_id
        left join meta.loads as l on l.delivery_id = d.delivery_id
        where d.branch_code = %s and d.duplicate_of is null and (i.delivery_id is null or i.could_not_run is not null)
            and (l.delivery_id is not null) = %s and (%s::bigint is null or d.delivery_id = %s::bigint)
        order by d.business_date, d.revision, d.delivery_id
        """,
        [branch_code, is_loaded, only, only],
    )
    return [row[0] for row in cursor]


@contextmanager
def working_on(warehouse: Warehouse, delivery_id: int) -> Iterator[Connection]:
    """Hold the delivery for this process; another one waits. Freed when this process ends, however it ends."""
    with warehouse.connect("loader", autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(hashtext('delivery'), %s)", [delivery_id])
        yield connection


@contextmanager
def failing_closed(connection: Connection, delivery_id: int) -> Iterator[None]:
    """Hold the delivery when a step of its own cannot be done, so that it stops no other; it is tried again.

    An error of the connection to PostgreSQL says nothing of the delivery, and ends the step.
    """
    try:
        yield
    except psycopg.OperationalError:
        raise
    except Exception as error:
        connection.execute(
            """
            insert into meta.intakes (delivery_id, errors, warnings, could_not_run) values (%s, 0, 0, %s)
            on conflict (delivery_id) do update set could_not_run = excluded.could_not_run, evaluated_at = now()
            """,
            [delivery_id, describe_failure(error)],
        )


def load_pending(warehouse: Warehouse, branch_code: str, progress: Progress = quiet) -> list[int]:
    """Load what is registered and not loaded; return the ids."""
    with warehouse.connect("loader", autocommit=True) as connection:
        waiting = pending_deliveries(connection, branch_code, is_loaded=False)
    loaded = []
    for delivery_id in waiting:
        with working_on(warehouse, delivery_id) as connection:
            if pending_deliveries(connection, branch_code, is_loaded=False, only=delivery_id):
                with failing_closed(connection, delivery_id):
                    load_delivery(warehouse, delivery_id, progress)
                    loaded.append(delivery_id)
    return loaded


def validate_pending(warehouse: Warehouse, branch_code: str, progress: Progress = quiet) -> list[int]:
    """Judge what is loaded and not judged; return the ids."""
    with warehouse.connect("loader", autocommit=True) as connection:
        waiting = pending_deliveries(connection, branch_code, is_loaded=True)
    validated = []
    for delivery_id in waiting:
        with working_on(warehouse, delivery_id) as connection:
            if pending_deliveries(connection, branch_code, is_loaded=True, only=delivery_id):
                progress(f"{branch_code}: validating delivery {delivery_id}")
                with failing_closed(connection, delivery_id):
                    validate_delivery(warehouse, delivery_id)
                    validated.append(delivery_id)
    return validated


def validate_delivery(warehouse: Warehouse, delivery_id: int) -> Counts:
    """Judge one loaded delivery by everything that needs no history, in one transaction.

    What passes becomes part of the tables, unseen until the ledger says so; what fails waits outside to be measured.
    """
    from expectations import validate  # noqa: PLC0415 - Great Expectations takes seconds to import

    with warehouse.connect("loader") as connection:
        row = connection.execute("select result from meta.loads where delivery_id = %s", [delivery_id]).fetchone()
        if row is None:
            raise WarehouseError(f"Delivery {delivery_id} is not loaded", remedy="Run the load step again.")
        unreadable = row[0]["unreadable"]
        readable = [name for name in load_datasets() if name not in unreadable]
        store = warehouse.settings.home / "validations"
        with ThreadPoolExecutor(1) as beside:
            rules = beside.submit(_judge_by_rules, connection, delivery_id, unreadable, row[0].get("proven", ()))
            try:
                report = validate(warehouse.url("loader"), delivery_id, datasets=readable, store=store)
                rules.result()
            except BaseException:  # who interrupts does not wait until the rules are done
                while wait([rules], timeout=0.1).not_done:
                    connection.cancel_safe(timeout=5)
                raise
        copy_findings(connection, delivery_id, report.findings)
        if report.findings.num_rows:
            drop_repeated_findings(connection, delivery_id)
        counts = count_findings(connection, delivery_id, None)
        connection.execute(
            """
            insert into meta.intakes (delivery_id, errors, warnings, could_not_run, results) values (%s, %s, %s, %s, %s)
            on conflict (delivery_id) do update set errors = excluded.errors, warnings = excluded.warnings,
                could_not_run = excluded.could_not_run, results = excluded.results, evaluated_at = now()
            """,
            [delivery_id, counts.errors, counts.warnings, report.could_not_run, Jsonb(report.results)],
        )
        if report.could_not_run:
            drop_rows(connection, delivery_id)
        elif not counts.errors:
            attach_rows(connection, delivery_id)
        reach("after validation")
        return counts


def _judge_by_rules(connection: Connection, delivery_id: int, unreadable: list[str], proven: Collection[str]) -> None:
    find_dataset_violations(connection, delivery_id, unreadable, proven)
    analyze_rows(connection, delivery_id)


def drop_held(connection: Connection, key: Key) -> None:
    """Drop the loaded rows of the deliveries that the door holds, once the ledger says so. Their bytes are kept.

    Not while another process measures them.
    """
    lock_family(connection, read_succession(connection).family(key))
    cursor = connection.execute(
        """
        select l.delivery_id from meta.loads as l
        inner join meta.deliveries as d on l.delivery_id = d.delivery_id
        inner join meta.intakes as i on l.delivery_id = i.delivery_id
        where d.branch_code = %s and d.branch_valid_from = %s and i.errors > 0 and i.could_not_run is null
            and exists (select from meta.ledger as e where e.delivery_id = l.delivery_id)
        """,
        key,
    )
    for (delivery_id,) in cursor.fetchall():
        drop_rows(connection, delivery_id)
    connection.commit()


def measure_with(warehouse: Warehouse) -> Measure:
    """Return how a delivery is measured against an opening: rows that housekeeping has retired are staged again."""

    stage = stage_with(warehouse)

    def measure(connection: Connection, delivery_id: int, opening: list[int]) -> Counts:
        for needed in (delivery_id, *opening):
            stage(connection, needed)
        return measure_opening(connection, delivery_id, opening)

    return measure


def stage_with(warehouse: Warehouse) -> Stage:
    """Return how the rows of a judged delivery are brought back where housekeeping has dropped them."""

    def stage(connection: Connection, delivery_id: int) -> None:
        loaded = "select from meta.loads where delivery_id = %s and retired_at is null"
        if connection.execute(loaded, [delivery_id]).fetchone() is None:
            restage(warehouse, delivery_id)

    return stage


def restage(warehouse: Warehouse, delivery_id: int) -> None:
    """Load what a judged delivery lacks again from the stored bytes."""
    with working_on(warehouse, delivery_id) as connection:
        lacking = find_lacking(connection, delivery_id)
        drop_attached_leaves(warehouse, delivery_id, lacking)
        load_delivery(warehouse, delivery_id, lacking=lacking)
