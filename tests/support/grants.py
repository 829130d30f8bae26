"""Who may do what to which schema and table, as the database says: one line a schema or table, one cell a role."""

from __future__ import annotations

from itertools import groupby

from warehouse.connect import Connection

ROLES = (
    "loader",
    "transformer",
    "quarter_keeper",
    "airflow",
    "bi_reader",
    "branch_reader",
    "auditor",
    "data_protection",
)
SCHEMAS = ("raw", "personal", "meta", "staging", "intermediate", "mart_builds", "marts", "quarters")
RIGHTS = {"s": "select", "i": "insert", "u": "update", "d": "delete", "t": "truncate"}
SCHEMA_RIGHTS = {"u": "usage", "c": "create"}


def read_grants(connection: Connection) -> list[str]:
    """Return the matrix, tables of one schema with the same rights in one line; partitions follow their table."""
    lines = ["{:<14}{:<44}{}".format("schema", "tables", " ".join(f"{role:<15}" for role in ROLES)).rstrip()]
    for schema in SCHEMAS:
        lines.append(_line(schema, "(schema itself)", _cells(connection, schema, "schema", SCHEMA_RIGHTS)))
        cursor = connection.execute(
            "select relname from pg_class where relnamespace = %s::regnamespace and relkind in ('r', 'p', 'v', 'm') "
            "and not relispartition order by relname",
            [schema],
        )
        rights = [(_cells(connection, f'{schema}."{name}"', "table", RIGHTS), name) for (name,) in cursor.fetchall()]
        for cells, group in groupby(sorted(rights), key=lambda found: found[0]):
            names = [name for _, name in group]
            if len({found for found, _ in rights}) == 1 and len(names) > 1:
                names = ["*"]
            lines += [_line(schema, name, cells) for name in names]
    return lines


def _cells(connection: Connection, name: str, kind: str, rights: dict[str, str]) -> tuple[str, ...]:
    found = []
    for role in ROLES:
        row = connection.execute(
            "select " + ", ".join(f"has_{kind}_privilege(%(role)s, %(name)s, '{right}')" for right in rights.values()),  # type: ignore[arg-type]
            {"role": role, "name": name},
        ).fetchone()
        assert row is not None
        found.append("".join(letter for letter, allowed in zip(rights, row, strict=True) if allowed) or "-")
    return tuple(found)


def _line(schema: str, name: str, cells: tuple[str, ...]) -> str:
    return f"{schema:<14}{name:<44}" + " ".join(f"{cell:<15}" for cell in cells).rstrip()
