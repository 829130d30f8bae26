"""Printed national figures, each of one basis and date: what may stand beside a figure of the same basis."""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files


@dataclass(frozen=True)
class Benchmark:
    """A national figure as printed; `value` in percent. `source` is the address that printed it."""

    indicator: str
    basis: str
    as_of: dt.date
    value: Decimal
    source: str


def find_benchmark(indicator: str, basis: str, as_of: dt.date) -> Benchmark | None:
    """Return the newest national figure of `indicator` on `basis` up to `as_of`; None where none is on record."""
    found = [row for row in _read() if (row.indicator, row.basis) == (indicator, basis) and row.as_of <= as_of]
    return max(found, key=lambda row: row.as_of, default=None)


def _read() -> list[Benchmark]:
    text = (files("warehouse.reference") / "benchmarks.csv").read_text(encoding="utf-8")
    return [
        Benchmark(
            row["indicator"], row["basis"], dt.date.fromisoformat(row["as_of"]), Decimal(row["value"]), row["source"]
        )
        for row in csv.DictReader(text.splitlines())
        if row["scope"] == "national"
    ]
