"""Compare the canonical text of two versions, byte for byte: the frozen one and the one derived again elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, zip_longest

from reporting.quarter_log import Version
from reporting.quarter_tables import Content, canonical_lines, column_names
from warehouse.connect import Connection

SHOWN = 3
"""Rows of each side that are shown of a table that differs."""


@dataclass(frozen=True)
class Copy:
    """A version in one database."""

    connection: Connection
    version: Version

    def lines(self, table: str, columns: list[str]) -> Iterator[bytes]:
        return canonical_lines(self.connection, table, columns, self.version.quarter, self.version.version)


@dataclass(frozen=True)
class Difference:
    """A table that differs: the columns compared, how many rows only one side has, and the first of them as text."""

    table: str
    columns: list[str]
    only_frozen: int
    only_derived: int
    first_frozen: list[str]
    first_derived: list[str]

    def __str__(self) -> str:
        head = (
            f"quarters.{self.table}: {self.only_frozen} rows only as frozen, {self.only_derived} only as derived again "
            f"({', '.join(self.columns)})"
        )
        rows = [f"  frozen   {row}" for row in self.first_frozen] + [f"  derived  {row}" for row in self.first_derived]
        return "\n".join([head, *rows])


def compare_copies(frozen: Copy, derived: Copy, contents: dict[str, Content]) -> dict[str, Difference | None]:
    """Return, by table, None where the text is the same byte for byte, else how it differs.

    Columns that the other side does not have (another version of the marts) are left out.
    """
    return {name: _compare(frozen, derived, name, content.columns) for name, content in contents.items()}


def _compare(frozen: Copy, derived: Copy, table: str, columns: list[str]) -> Difference | None:
    known = set(column_names(derived.connection, table))
    shared = [name for name in columns if name in known]
    if _is_same(frozen.lines(table, shared), derived.lines(table, shared)):
        return None
    ours, theirs = _count(frozen.lines(table, shared)), _count(derived.lines(table, shared))
    only_frozen = [line for line, count in ours.items() for _ in range(count - theirs.get(line, 0))]
    only_derived = [line for line, count in theirs.items() for _ in range(count - ours.get(line, 0))]
    return Difference(
        table, shared, len(only_frozen), len(only_derived), _as_text(only_frozen), _as_text(only_derived)
    )  # fmt: skip


def _is_same(left: Iterator[bytes], right: Iterator[bytes]) -> bool:
    """Compare line by line, always to the end of both: a COPY that is broken off would take its transaction along."""
    is_same = True
    for one, other in zip_longest(left, right):
        is_same = is_same and one == other
    return is_same


def _count(lines: Iterator[bytes]) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    for line in lines:
        found[line] = found.get(line, 0) + 1
    return found


def _as_text(lines: list[bytes]) -> list[str]:
    return [line.decode().rstrip("\n").replace("\t", " | ") for line in islice(lines, SHOWN)]
