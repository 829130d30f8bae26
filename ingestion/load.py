"""Load one registered delivery from the store: verified while streaming, in constant memory, whole or not at all.

Each file is parsed and checked block by block in one thread while the block before is on its way to PostgreSQL's COPY.
What is copied is what was checked: the canonical rows, not the bytes as sent. Personal values go to their own table over
a second connection at the same time, and are committed first: a load on record has all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyarrow as pa
from psycopg import sql
from psycopg.types.json import Jsonb

from contract.errors import WarehouseError
from contract.model import Dataset, load_datasets
from ingestion.descriptor import Resource, parse_descriptor
from ingestion.descriptor_violations import find_descriptor_violations
from ingestion.erase import forget_erased
from ingestion.ledger import copy_findings, delete_findings, to_csv
from ingestion.reading import Reading
from ingestion.references import KnownKeys
from ingestion.store import Store
from warehouse.connect import Connection, Warehouse
from warehouse.faults import reach


@dataclass
class LoadResult:
    """What a load leaves for the checks after it.

    The datasets that could not be read in full, the columns (`dataset.column`) whose references were seen to hold, and
    seconds by dataset.
    """

    delivery_id: int
    unreadable: list[str] = field(default_factory=list)
    proven: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return what meta.loads keeps."""
        return {"unreadable": self.unreadable, "proven": self.proven, "seconds": self.seconds}


def load_delivery(
    warehouse: Warehouse,
    delivery_id: int,
    progress: Callable[[str], None] | None = None,
    *,
    lacking: Collection[Dataset] | None = None,
) -> LoadResult:
    """Load the rows of a delivery into raw.<dataset>_d<id> and personal.customers_d<id>, and write its findings.

    Nothing becomes visible. Repeating it, also after a crash, replaces what the attempt before left. `lacking`: the delivery
    is judged already and only the rows of these datasets are wanted; they become part of their tables with the same commit.
    """
    datasets = load_datasets().values() if lacking is None else lacking
    with (
        warehouse.connect("loader") as connection,
        warehouse.connect("loader") as personal,
        warehouse.connect("loader", autocommit=True) as notes,
    ):
        row = connection.execute(
            "select branch_code, business_date, descriptor_sha256 from meta.deliveries where delivery_id = %s",
            [delivery_id],
        ).fetchone()
        if row is None:
            raise WarehouseError(
                f"There is no delivery {delivery_id}", remedy="Ask `python -m pipeline status` for what is on record."
            )
        store = Store(warehouse.settings.store)
        descriptor = parse_descriptor(store.path(row[2]).read_bytes())
        forget_erased(notes, store, delivery_id, descriptor)
        save = partial(copy_findings, notes, delivery_id) if lacking is None else _discard
        if lacking is None:
            delete_findings(notes, delivery_id)
        save(find_descriptor_violations(descriptor))
        # At once: `personal` does not see what `connection` drops, and could not create its table.
        _drop_personal(notes, delivery_id)
        drop_rows(connection, delivery_id, datasets)
        load = _Load(connection, personal, save, store, delivery_id, row[0], row[1].isoformat(), lacking is None)
        resources = {resource.dataset: resource for resource in descriptor.resources}
        for dataset in datasets:
            load.create(dataset)
            if dataset.name in resources and not resources[dataset.name].has_known_form:
                load.result.unreadable.append(dataset.name)
            elif dataset.name in resources:
                if progress and dataset.is_large:
                    progress(f"{row[0]} {row[1]}: {dataset.name}")
                load.fill(dataset, resources[dataset.name])
            elif descriptor.working_day or dataset.kind == "full":
                load.result.unreadable.append(dataset.name)
        connection.execute(
            "insert into meta.loads (delivery_id, result) values (%s, %s)", [delivery_id, Jsonb(load.result.as_json())]
        )
        reach("after COPY")
        personal.commit()
        reach("after the commit of personal rows")
        if lacking is not None:
            analyze_rows(connection, delivery_id, lacking)
            attach_rows(connection, delivery_id, lacking)
        return load.result


def _discard(_: pa.Table) -> None:
    """Findings of rows that are only staged again are on record."""


def drop_rows(connection: Connection, delivery_id: int, datasets: Iterable[Dataset] | None = None) -> None:
    """Remove the rows of a delivery that are not attached, with their tables and views (nothing visible reads them)."""
    for dataset in load_datasets().values() if datasets is None else datasets:
        if dataset.is_large:
            connection.execute(sql.SQL("drop table if exists {}").format(_leaf("raw", dataset, delivery_id)))
        else:
            connection.execute(sql.SQL("drop view if exists {}").format(_leaf("raw", dataset, delivery_id)))
            rows = sql.Identifier("raw", f"{dataset.name}_rows")
            connection.execute(sql.SQL("delete from {} where delivery_id = %s").format(rows), [delivery_id])
    _drop_personal(connection, delivery_id)
    connection.execute("delete from meta.loads where delivery_id = %s", [delivery_id])


def _drop_personal(connection: Connection, delivery_id: int) -> None:
    for dataset in load_datasets().values():
        if dataset.pii_columns:
            connection.execute(sql.SQL("drop table if exists {}").format(_leaf("personal", dataset, delivery_id)))


def analyze_rows(connection: Connection, delivery_id: int, datasets: Collection[Dataset] | None = None) -> None:
    """Sample the loaded leaves: without statistics the planner takes a new one for small, and joins it row by row."""
    # A plan needs no more: with the default of 100, a leaf of 60,000 rows costs as much to sample as to load.
    connection.execute("set local default_statistics_target = 25")
    for schema, dataset in _find_leaves(datasets):
        connection.execute(sql.SQL("analyze {}").format(_leaf(schema, dataset, delivery_id)))


def attach_rows(connection: Connection, delivery_id: int, datasets: Collection[Dataset] | None = None) -> None:
    """Make the loaded leaves part of their tables, and drop the views that served validation."""
    for schema, dataset in _find_leaves(datasets):
        connection.execute("select meta.attach_leaf(%s, %s, %s)", [schema, dataset.name, delivery_id])
    for dataset in load_datasets().values() if datasets is None else datasets:
        if not dataset.is_large:
            connection.execute(sql.SQL("drop view if exists {}").format(_leaf("raw", dataset, delivery_id)))


def _find_leaves(datasets: Collection[Dataset] | None) -> list[tuple[str, Dataset]]:
    """Schema and dataset of each leaf that a delivery has of these datasets (None: all)."""
    large = [
        dataset
        for dataset in load_datasets().values()
        if dataset.is_large and (datasets is None or dataset in datasets)
    ]
    return [("raw", dataset) for dataset in large] + [("personal", dataset) for dataset in large if dataset.pii_columns]


@dataclass
class _Load:
    connection: Connection
    personal: Connection
    save: Callable[[pa.Table], None]
    store: Store
    delivery_id: int
    branch_code: str
    business_date: str
    is_first: bool

    def __post_init__(self) -> None:
        self.result = LoadResult(self.delivery_id)
        self.keys = KnownKeys(self.connection)

    def create(self, dataset: Dataset) -> None:
        """Create the empty leaf of a large dataset, or the view on a small one."""
        if dataset.is_large:
            self._create_leaf(self.connection, "raw", dataset)
            if dataset.pii_columns:
                self._create_leaf(self.personal, "personal", dataset)
            return
        statement = sql.SQL("create view {} as select * from {} where delivery_id = {}")
        rows = sql.Identifier("raw", f"{dataset.name}_rows")
        self.connection.execute(
            statement.format(_leaf("raw", dataset, self.delivery_id), rows, sql.Literal(self.delivery_id))
        )

    def _create_leaf(self, connection: Connection, schema: str, dataset: Dataset) -> None:
        # Constant tags are defaults, so they cost nothing in the stream; the check makes ATTACH instant.
        statement = sql.SQL(
            """
            create table {leaf} (like {rows} including storage, check (delivery_id = {id}));
            alter table {leaf} alter delivery_id set default {id}, alter branch_code set default {branch},
                alter business_date set default {date};
            """
        )
        connection.execute(statement.format(
            leaf=_leaf(schema, dataset, self.delivery_id), rows=sql.Identifier(schema, f"{dataset.name}_rows"),
            id=sql.Literal(self.delivery_id), branch=sql.Literal(self.branch_code), date=sql.Literal(self.business_date),
        ))  # fmt: skip

    def fill(self, dataset: Dataset, resource: Resource) -> None:
        """Read, check and copy one file; its findings go to meta.findings as they come."""
        started = time.monotonic()
        reading = Reading(self.store, dataset, resource, self.save, self.keys.watch(dataset))
        try:
            self._copy(dataset, reading)
        finally:
            reading.stop()
        reading.compare()
        if reading.has_errors:
            self.result.unreadable.append(dataset.name)
        else:
            self.result.proven += [f"{dataset.name}.{column}" for column in reading.watch.find_holding()]
            self.keys.learn(dataset, reading.totals.keys)
        self.result.seconds[dataset.name] = round(time.monotonic() - started, 3)

    def _copy(self, dataset: Dataset, reading: Reading) -> None:
        names = [column.name for column in dataset.raw_columns]
        tags = ["row_no"] if dataset.is_large else ["row_no", "delivery_id", "branch_code", "business_date"]
        target = (
            _leaf("raw", dataset, self.delivery_id)
            if dataset.is_large
            else sql.Identifier("raw", f"{dataset.name}_rows")
        )
        personal_names = [column.name for column in dataset.columns if column.is_key or column.is_pii]
        personal_target = _leaf("personal", dataset, self.delivery_id)
        with ExitStack() as copies:
            statement = self._copy_statement(dataset, target, [*tags, *names])
            copy = copies.enter_context(self.connection.cursor().copy(statement))
            if dataset.pii_columns:
                statement = self._copy_statement(dataset, personal_target, ["row_no", *personal_names])
                personal = copies.enter_context(self.personal.cursor().copy(statement))
            for block in reading.blocks():
                row_no = pa.array(block.row_numbers)
                rows = block.table.select(names).add_column(0, "row_no", row_no)
                if not dataset.is_large:
                    for place, value in enumerate((self.delivery_id, self.branch_code, self.business_date), 1):
                        rows = rows.add_column(place, tags[place], pa.repeat(pa.scalar(value), rows.num_rows))
                copy.write(to_csv(rows, has_empty_text=False))
                if dataset.pii_columns:
                    people = block.table.select(personal_names).add_column(0, "row_no", row_no)
                    personal.write(to_csv(people, has_empty_text=False))
                reach("half a COPY", dataset.name)
        if dataset.pii_columns and reading.has_errors:
            self.personal.execute(sql.SQL("truncate {}").format(personal_target))

    def _copy_statement(self, dataset: Dataset, target: sql.Identifier, columns: list[str]) -> sql.Composed:
        # Frozen rows need no page marked by who reads them first, nor by vacuum. They are seen by older snapshots too: no
        # harm before the ledger shows the delivery, but one whose rows are staged again may be shown already.
        form = "csv, freeze" if dataset.is_large and self.is_first else "csv"
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        return sql.SQL("copy {} ({}) from stdin (format {})").format(target, names, sql.SQL(form))


def _leaf(schema: str, dataset: Dataset, delivery_id: int) -> sql.Identifier:
    return sql.Identifier(schema, f"{dataset.name}_d{delivery_id}")
