"""Hand-made deliveries put on record as published, without the door: rows, manifest figures and one ledger entry."""

from __future__ import annotations

import datetime as dt
import hashlib
import io

from psycopg import sql
from psycopg.types.json import Jsonb

from tests.support.deliveries import COLUMNS, Delivery, figures, to_csv
from warehouse.connect import Connection, Warehouse

LARGE = ("loan_book", "loan_transactions", "customers")
PII = ("full_name", "birth_date", "national_id", "phone")


def publish(warehouse: Warehouse, *deliveries: Delivery, verdict: str = "published") -> list[int]:
    """Make deliveries visible as they are and return their ids."""
    with warehouse.connect("admin") as connection:
        return [_publish(connection, delivery, verdict) for delivery in deliveries]


def withdraw(warehouse: Warehouse, delivery: Delivery) -> None:
    """Make nothing visible for the delivery's branch and date."""
    with warehouse.connect("admin") as connection:
        _append(connection, delivery, None, "held", visible=None)


def refuse(warehouse: Warehouse, delivery: Delivery) -> None:
    """Note a refused delivery that was not registered; what is visible stays."""
    with warehouse.connect("admin") as connection:
        connection.execute(
            "insert into meta.ledger (branch_code, business_date, revision, verdict, sets_visible, reason) "
            "values (%s, %s, %s, 'refused', false, 'test')",
            [delivery.branch, delivery.date, delivery.revision],
        )


def _publish(connection: Connection, delivery: Delivery, verdict: str) -> int:
    found = connection.execute(
        """
        insert into meta.deliveries (branch_code, branch_valid_from, business_date, revision, previous_business_date,
            working_day, content_sha256, descriptor_sha256, cob_completed_at, descriptor, offices_expected,
            offices_delivered, source_path)
        values (%s, %s, %s, %s, %s, true, %s, %s, %s, '{}', %s, %s, 'test')
        returning delivery_id
        """,
        [
            delivery.branch, _valid_from(connection, delivery), delivery.date, delivery.revision, delivery.previous,
            _hash(repr(delivery.rows)), _hash(repr(delivery)), f"{delivery.date}T20:00:00+07:00",
            len(delivery.rows["offices"]), len(delivery.rows["offices"]),
        ],
    ).fetchone()  # fmt: skip
    assert found is not None
    delivery_id = int(found[0])
    for name in COLUMNS:
        _load(connection, delivery_id, delivery, name)
    connection.execute("insert into meta.loads (delivery_id) values (%s)", [delivery_id])
    _append(connection, delivery, delivery_id, verdict, visible=delivery_id)
    return delivery_id


def _load(connection: Connection, delivery_id: int, delivery: Delivery, name: str) -> None:
    rows = delivery.rows[name]
    declared = figures(name, rows)
    connection.execute(
        "insert into meta.delivery_files values (%s, %s, 'test', '', %s, 0, %s, %s, %s)",
        [
            delivery_id, name, _hash(to_csv(name, rows).decode()), declared["rowCount"],
            Jsonb(declared["controlTotals"]), declared["keyChecksum"],
        ],
    )  # fmt: skip
    table = sql.Identifier("raw", f"{name}_rows")
    if name in LARGE:
        leaf = sql.Identifier("raw", f"{name}_d{delivery_id}")
        connection.execute(sql.SQL("create table {} (like {} including storage)").format(leaf, table))
        connection.execute("select meta.attach_leaf('raw', %s, %s)", [name, delivery_id])
    columns = [column for column in COLUMNS[name].split() if column not in PII]
    text = io.StringIO()
    for number, row in enumerate(rows, start=1):
        tags = [delivery_id, delivery.branch, delivery.date, number]
        cells = [str(value) for value in [*tags, *(row[column] for column in columns)]]
        text.write("\t".join(cell or "\\N" for cell in cells) + "\n")
    names = ["delivery_id", "branch_code", "business_date", "row_no", *columns]
    statement = sql.SQL("copy {} ({}) from stdin").format(table, sql.SQL(", ").join(map(sql.Identifier, names)))
    with connection.cursor().copy(statement) as copy:
        copy.write(text.getvalue())


def _append(
    connection: Connection, delivery: Delivery, delivery_id: int | None, verdict: str, visible: int | None
) -> None:
    connection.execute(
        "insert into meta.ledger (branch_code, branch_valid_from, business_date, revision, delivery_id, verdict, "
        "sets_visible, visible_delivery_id, reason) values (%s, %s, %s, %s, %s, %s, true, %s, 'test')",
        [
            delivery.branch, _valid_from(connection, delivery), delivery.date, delivery.revision, delivery_id, verdict,
            visible,
        ],
    )  # fmt: skip


def _valid_from(connection: Connection, delivery: Delivery) -> dt.date:
    found = connection.execute(
        "select valid_from from meta.branches where branch_code = %s and %s between valid_from and coalesce(valid_to, 'infinity')",
        [delivery.branch, delivery.date],
    ).fetchone()
    assert found is not None
    return found[0]  # type: ignore[no-any-return]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
