"""What readers see of each delivery and dataset, and what its manifest declares: the two sides of law 2."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from psycopg import sql

from contract.model import Dataset, load_datasets
from warehouse.connect import Connection

PERSONAL = "personal."


@dataclass(frozen=True)
class Declared:
    """The figures of one dataset in a manifest: rows, sums in đồng by column, the checksum of the keys.

    `is_retired`: housekeeping has dropped the rows of this state, which is none of a month's end.
    """

    rows: int = 0
    totals: dict[str, int] = field(default_factory=dict)
    key_checksum: int = 0
    is_retired: bool = False


@dataclass(frozen=True)
class Seen:
    """The same figures of the rows that readers see, the branches and dates on them, and whether row numbers are whole."""

    rows: int = 0
    totals: dict[str, int] = field(default_factory=dict)
    key_checksum: int | None = None
    places: frozenset[tuple[str, dt.date]] = frozenset()
    is_numbered: bool = True

    def differs_from(self, declared: Declared) -> str | None:
        """Say in words what differs, None where nothing does."""
        if self.rows != declared.rows:
            return f"{declared.rows} rows were delivered, readers see {self.rows}"
        for column, total in declared.totals.items():
            if self.totals.get(column, 0) != total:
                return f"{column}: {total} đồng were delivered, readers see {self.totals.get(column, 0)}"
        if self.key_checksum is not None and self.key_checksum != declared.key_checksum:
            return "the keys that readers see are not those that were delivered"
        return None if self.is_numbered else "row numbers are missing or doubled"


def read_declared(connection: Connection) -> dict[tuple[str, int], Declared]:
    """Return what the manifests of all visible deliveries declare, by dataset (also `personal.<dataset>`) and delivery.

    A dataset that was left out, as events may be, has no rows.
    """
    visible = connection.execute(
        """
        select v.delivery_id, l.retired_at is not null and extract(day from v.business_date + 1) <> 1
        from meta.visible_deliveries as v
        left join meta.loads as l on v.delivery_id = l.delivery_id
        """
    ).fetchall()
    cursor = connection.execute(
        """
        select f.dataset, f.delivery_id, f.row_count, f.control_totals, f.key_checksum
        from meta.delivery_files as f
        inner join meta.visible_deliveries as v on f.delivery_id = v.delivery_id
        """
    )
    files = {(row[0], row[1]): row[2:] for row in cursor}
    found: dict[tuple[str, int], Declared] = {}
    for delivery_id, is_retired in visible:
        for dataset in load_datasets().values():
            rows, totals, checksum = files.get((dataset.name, delivery_id), (0, {}, 0))
            declared = Declared(rows, totals, int(checksum), is_retired and dataset.kind == "full")
            found[dataset.name, delivery_id] = declared
            if dataset.pii_columns:
                personal = Declared(rows, {}, int(checksum), declared.is_retired)
                found[PERSONAL + dataset.name, delivery_id] = personal
    return found


def read_seen(connection: Connection) -> dict[tuple[str, int], Seen]:
    """Return the figures of everything that readers of raw and personal see, one statement a dataset."""
    found: dict[tuple[str, int], Seen] = {}
    for dataset in load_datasets().values():
        found |= _read_table(connection, "raw", dataset, dataset.name)
        if dataset.pii_columns:
            found |= _read_table(connection, "personal", dataset, PERSONAL + dataset.name)
    return found


def _read_table(connection: Connection, schema: str, dataset: Dataset, name: str) -> dict[tuple[str, int], Seen]:
    money = [column.name for column in dataset.vnd_columns] if schema == "raw" else []
    sums = [sql.SQL("coalesce(sum({}), 0)").format(sql.Identifier(column)) for column in money]
    statement = sql.SQL(
        """
        select delivery_id, count(*), {checksum},
            min(row_no) = 1 and max(row_no) = count(*) and sum(row_no) = count(*) * (count(*) + 1) / 2,
            array[min(branch_code), max(branch_code)], array[min(business_date), max(business_date)] {sums}
        from {table} group by delivery_id
        """
    ).format(
        checksum=_checksum(connection, dataset),
        sums=sql.SQL("").join(sql.SQL(", ") + total for total in sums),
        table=sql.Identifier(schema, dataset.name),
    )
    return {
        (name, row[0]): Seen(
            row[1],
            {column: int(total) for column, total in zip(money, row[6:], strict=True)},
            None if row[2] is None else int(row[2]),
            frozenset(zip(row[4], row[5], strict=True)),
            bool(row[3]),
        )
        for row in connection.execute(statement)
    }


def _checksum(connection: Connection, dataset: Dataset) -> sql.Composable:
    """The contract's keyChecksum in SQL. PostgreSQL before 18 has no CRC-32 and leaves it out."""
    row = connection.execute("select to_regprocedure('crc32(bytea)') is not null").fetchone()
    if not row or not row[0]:
        return sql.SQL("null")
    keys = sql.SQL(", ").join(map(sql.Identifier, dataset.key))
    return sql.SQL("sum(crc32(convert_to(concat_ws('|', {}), 'UTF8')))").format(keys)
