"""What every section is written with: the frozen rows, the words, names by code, and small helpers for tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from reporting.board_report.frozen import FrozenRows, Row
from reporting.board_report.model import Column, Figure, Kind, Table, Value
from reporting.board_report.numbers import Language, write_date
from reporting.board_report.words import Words

Columns = list[tuple[str, Kind]]
"""Columns of a table: the word of the label (without `c_`) and the kind."""

DIMENSIONS = {
    "branch": "branch_code",
    "commune": "commune_code",
    "programme": "programme_code",
    "organisation": "organisation_code",
    "capital_source": "source_code",
}


@dataclass(frozen=True)
class Context:
    """One report in the making."""

    rows: FrozenRows
    words: Words
    scorecard: Row
    figures: dict[str, Figure]
    place: str
    names: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def language(self) -> Language:
        return self.words.language

    def name(self, dimension: str, code: str) -> str:
        """The name of a code, or the code where no list has it."""
        if dimension not in self.names:
            self.names[dimension] = self.rows.read_names(dimension, DIMENSIONS[dimension], self.language)
        return self.names[dimension].get(code, code)

    def pick(self, *keys: str) -> tuple[Figure, ...]:
        """Headline figures of a section."""
        return tuple(self.figures[key] for key in keys)

    def source(self, table: str, *, is_flow: bool = False, more: str = "") -> str:
        """The line under a table: frozen table, as-of date, territory, and what else is to be known."""
        day = write_date(self.rows.edition.as_of, self.language)
        line = self.words("n_flow" if is_flow else "n_source", table=table, day=day, place=self.place)
        return f"{line} {more}".strip()

    def table(
        self, key: str, columns: Columns, rows: Sequence[Sequence[Value]], note: str,
        *, has_total: bool = False, shown: int | None = None,
    ) -> Table:  # fmt: skip
        """A table with its labels in the language of the report."""
        labels = tuple(Column(self.words(f"c_{label}"), kind) for label, kind in columns)
        return Table(key, self.words(f"t_{key}"), labels, tuple(map(tuple, rows)), note, has_total, shown)
