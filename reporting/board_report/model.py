"""What a report is made of, whatever it is written as: sections of figures, charts and tables."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from reporting.board_report.suppression import Hidden

Kind = Literal["text", "vnd", "pct", "count", "date", "times", "number"]


@dataclass(frozen=True)
class Measure:
    """A value with its own kind, in a column (kind number) whose rows are not all of one unit."""

    value: int | Decimal
    kind: Kind
    has_unit: bool = True


Value = str | int | Decimal | dt.date | Hidden | Measure | None


@dataclass(frozen=True)
class Figure:
    """A headline figure: money in đồng, ratios in percent, counts in pieces. `source` names its frozen column."""

    key: str
    label: str
    value: Value
    kind: Kind
    definition: str
    source: str
    as_of: dt.date
    is_headline: bool = True


@dataclass(frozen=True)
class Column:
    """A column of a table, with the kind of all its values."""

    label: str
    kind: Kind


@dataclass(frozen=True)
class Table:
    """Exact figures. `note` says what they are and of which frozen table; `has_total`: the last row is the total."""

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    note: str
    has_total: bool = False
    shown: int | None = None
    """Rows on page and paper; the workbook has them all."""

    def __post_init__(self) -> None:
        assert all(len(row) == len(self.columns) for row in self.rows), self.key


@dataclass(frozen=True)
class Chart:
    """A picture (SVG, text as outlines) and the sentence that says what it shows."""

    key: str
    title: str
    svg: bytes
    alt: str


@dataclass(frozen=True)
class Section:
    """A chapter of the report."""

    key: str
    title: str
    figures: tuple[Figure, ...] = ()
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """Everything that is written, in one language. `facts`: label and text, as on an imprint."""

    language: Literal["vi", "en"]
    title: str
    subtitle: str
    bank: str
    territory: str
    as_of: dt.date
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    suppressed_note: str
    figures: dict[str, Figure] = field(default_factory=dict)
