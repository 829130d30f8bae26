"""Roles, schemas and tables: created, and an existing warehouse carried forward.

The numbered files in `warehouse/ddl/` are idempotent and run in order; the tables of `raw` and `personal` are derived
from the contract; reference data comes from `warehouse/reference/*.csv`. All of it runs in one transaction, and only
when something of it has changed.
"""

from __future__ import annotations

import functools
import hashlib
import time
from pathlib import Path

import psycopg
from psycopg import sql

from contract.errors import WarehouseError
from contract.model import Column, Dataset, load_datasets
from warehouse.connect import Connection, Role, Warehouse

FOLDER = Path(__file__).parent
LOGIN_ROLES: tuple[Role, ...] = ("loader", "transformer", "quarter_keeper", "airflow")
TAGS = (("delivery_id", "bigint"), ("branch_code", 'text collate "C"'), ("business_date", "date"), ("row_no", "bigint"))
LARGE_LAYOUT = "partition by range (delivery_id)"
"""Chunks of deliveries, and in them a leaf for each (012_chunks.sql)."""
PATIENCE = 120
"""Seconds to wait for those who are at work on the tables that are to be changed."""
REFERENCE_TABLES = (
    "branches", "communes", "commune_successions", "programmes", "programme_parameters", "capital_sources",
    "organisations", "benchmarks",
)  # fmt: skip


def bring_up_to_date(warehouse: Warehouse) -> bool:
    """Apply what is new in the DDL, the contract or the reference data; return whether anything was.

    Raises WarehouseError when a night or a build keeps the tables busy for longer than `PATIENCE`.
    """
    patient_until = time.monotonic() + PATIENCE
    while True:
        try:
            return _bring_up_to_date(warehouse)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
            if time.monotonic() > patient_until:
                raise WarehouseError(
                    "The tables of the warehouse are to be changed, and others are at work on them",
                    remedy="Run it again when the night or the build that is running has ended.",
                ) from error
        time.sleep(1)  # whoever stood in line behind us goes first


def _bring_up_to_date(warehouse: Warehouse) -> bool:
    wanted = definition_sha256()
    with warehouse.connect("admin") as connection:
        if _recorded(connection) == wanted and _passwords_work(warehouse):
            return False
        # Whoever waits for a table makes all others wait behind it: a load, too, that holds it with another connection.
        # Where two wait for each other, PostgreSQL ends the one that looks first. Others look after a second: we look before, and
        # give up before where the administrator may not set when to look.
        connection.execute("set local lock_timeout = '800ms'")
        connection.execute(
            "select set_config('deadlock_timeout', '100ms', true) "
            "where has_parameter_privilege('deadlock_timeout', 'set')"
        )
        connection.execute("select pg_advisory_xact_lock(hashtext('warehouse.schema'))")
        for file in sorted((FOLDER / "ddl").glob("*.sql")):
            connection.execute(file.read_bytes())
        for dataset in load_datasets().values():
            create_raw_tables(connection, dataset)
        for table in REFERENCE_TABLES:
            load_reference(connection, table)
        for role in LOGIN_ROLES:
            statement = sql.SQL("alter role {} password {}").format(
                sql.Identifier(role), sql.Literal(warehouse.password(role))
            )
            connection.execute(statement)
        connection.execute(
            "insert into meta.definition (sha256) values (%s) on conflict (is_only) do update "
            "set sha256 = excluded.sha256, applied_at = now()",
            [wanted],
        )
    return True


@functools.cache
def definition_sha256() -> str:
    """The hash of everything that defines the schema: DDL files, contract, reference data."""
    digest = hashlib.sha256()
    folders = [(FOLDER / "ddl", "*.sql"), (FOLDER.parent / "contract", "**/*.yaml"), (FOLDER / "reference", "*.csv")]
    for folder, pattern in [*folders, (FOLDER, "schema.py")]:
        for file in sorted(folder.glob(pattern)):
            digest.update(f"{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def create_raw_tables(connection: Connection, dataset: Dataset) -> None:
    """Create the dataset's table of rows and its view of what is visible; add columns that are new in the contract."""
    _create_rows(connection, "raw", dataset, dataset.raw_columns)
    if dataset.pii_columns:
        key_and_pii = tuple(column for column in dataset.columns if column.is_key or column.is_pii)
        _create_rows(connection, "personal", dataset, key_and_pii)


def _create_rows(connection: Connection, schema: str, dataset: Dataset, columns: tuple[Column, ...]) -> None:
    name = f"{dataset.name}_rows"
    tags = ", ".join(f"{tag} {kind} not null" for tag, kind in TAGS)
    layout = LARGE_LAYOUT if dataset.is_large else ""
    connection.execute(f"create table if not exists {schema}.{name} ({tags}) {layout}")
    for column in columns:
        connection.execute(f"alter table {schema}.{name} add column if not exists {column.name} {column.sql_type}")
    if not dataset.is_large:
        connection.execute(f"create index if not exists {name}_delivery on {schema}.{name} (delivery_id)")
    connection.execute(f"alter table {schema}.{name} owner to loader")
    names = ", ".join([*(tag for tag, _ in TAGS), *(column.name for column in columns)])
    connection.execute(f"""
        create or replace view {schema}.{dataset.name} as
        select {names} from {schema}.{name}
        where delivery_id in (select delivery_id from meta.readable_deliveries)
    """)
    reader = "transformer" if schema == "raw" else "data_protection"
    connection.execute(f"alter view {schema}.{dataset.name} owner to loader")
    connection.execute(f"grant select on {schema}.{dataset.name} to {reader}")


def load_reference(connection: Connection, table: str) -> None:
    """Replace a reference table by its file when the file has changed."""
    content = (FOLDER / "reference" / f"{table}.csv").read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    found = connection.execute("select sha256 from meta.reference_versions where file_name = %s", [table]).fetchone()
    if found and found[0] == sha256:
        return
    header = content.split(b"\n", 1)[0].decode().strip().split(",")
    columns = sql.SQL(", ").join(map(sql.Identifier, header))
    name = sql.Identifier("meta", table)
    connection.execute(sql.SQL("delete from {}").format(name))
    statement = sql.SQL("copy {} ({}) from stdin (format csv, header match)").format(name, columns)
    with connection.cursor().copy(statement) as copy:
        copy.write(content)
    connection.execute(
        "insert into meta.reference_versions (file_name, sha256) values (%s, %s) "
        "on conflict (file_name) do update set sha256 = excluded.sha256, loaded_at = now()",
        [table, sha256],
    )


def _recorded(connection: Connection) -> str | None:
    found = connection.execute("select to_regclass('meta.definition')").fetchone()
    if not found or found[0] is None:
        return None
    row = connection.execute("select sha256 from meta.definition").fetchone()
    return str(row[0]) if row else None


def _passwords_work(warehouse: Warehouse) -> bool:
    try:
        psycopg.connect(warehouse.url("loader"), connect_timeout=10).close()
    except psycopg.OperationalError:
        return False
    return True
