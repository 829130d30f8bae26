"""What a reader sees, in a form that can be compared between warehouses: every visible row, apart from times and numbers."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from contract.model import load_datasets
from warehouse.connect import Connection, Warehouse


@dataclass(frozen=True)
class Content:
    """The visible deliveries (branch, date, revision, verdict) and a digest of the rows of each dataset."""

    deliveries: tuple[tuple[str, str, int, str], ...]
    digests: tuple[tuple[str, str, str, str], ...]


def read_content(warehouse: Warehouse) -> Content:
    with warehouse.connect("admin") as connection:
        return read_content_on(connection)


def read_content_on(connection: Connection) -> Content:
    """Read in the open transaction of `connection`."""
    deliveries = connection.execute(
        "select branch_code, business_date::text, revision, verdict from meta.visible_deliveries order by 1, 2"
    ).fetchall()
    digests: list[tuple[str, str, str, str]] = []
    for dataset in load_datasets().values():
        tables = [("raw", dataset.raw_columns)]
        if dataset.pii_columns:
            tables.append(("personal", tuple(column for column in dataset.columns if column.is_key or column.is_pii)))
        for schema, columns in tables:
            row = sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
            statement = sql.SQL(
                """
                select {name}, branch_code, business_date::text,
                    md5(string_agg(jsonb_build_array(row_no, {row})::text, ' ' order by row_no, delivery_id))
                from {table} group by branch_code, business_date order by 2, 3
                """
            ).format(name=sql.Literal(f"{schema}.{dataset.name}"), row=row, table=sql.Identifier(schema, dataset.name))
            digests += connection.execute(statement).fetchall()
    return Content(tuple(deliveries), tuple(digests))
