"""The contract's model: what a dataset and a column are, and the 15 datasets of the branch extract.

The YAML files in `contract/datasets/` (Open Data Contract Standard v3) are the single source; `contract.odcs` reads
them. Tables, the strict reader and the basic expectations are derived from what stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

DATASETS_FOLDER = Path(__file__).parent / "datasets"

DATASET_NAMES = (
    "offices",
    "transaction_points",
    "savings_groups",
    "customers",
    "loan_book",
    "loan_transactions",
    "capital_positions",
    "capital_transactions",
    "deposits",
    "ledger_balances",
    "plan_targets",
    "eligible_demand",
    "absconded_cases",
    "risk_decisions",
    "inspections",
)
"""The datasets of a delivery in the order of the extract contract, section 4."""

BIGINT_MIN, BIGINT_MAX = -(2**63), 2**63 - 1
LONGEST_TEXT = 500
LONGEST_CODE = 24


class ColumnType(StrEnum):
    """How a value is written (extract contract, section 3)."""

    CODE = "code"
    TEXT = "text"
    ENUM = "enum"
    DATE = "date"
    MONTH = "month"
    TIMESTAMP = "timestamp"
    VND = "vnd"
    RATE = "rate"
    DECIMAL = "decimal"
    INT = "int"
    FLAG = "flag"


SQL_TYPES: Mapping[ColumnType, str] = MappingProxyType(
    {
        ColumnType.CODE: 'text collate "C"',
        ColumnType.TEXT: 'text collate "C"',
        ColumnType.ENUM: 'text collate "C"',
        ColumnType.MONTH: 'text collate "C"',
        ColumnType.DATE: "date",
        ColumnType.TIMESTAMP: "timestamptz",
        ColumnType.VND: "bigint",
        ColumnType.INT: "bigint",
        ColumnType.RATE: "numeric",
        ColumnType.DECIMAL: "numeric",
        ColumnType.FLAG: "boolean",
    }
)


@dataclass(frozen=True)
class Reference:
    """A column's values are found in `column` of `dataset`, another dataset or a reference table of the bank.

    `is_blocking`: a value that is not found holds the delivery (extract contract, section 5, rule 1).
    """

    dataset: str
    column: str
    is_blocking: bool


@dataclass(frozen=True)
class Column:
    """One column of a dataset. `minimum`, `maximum` are inclusive and in the column's own unit (đồng, percent, ...)."""

    name: str
    type: ColumnType
    description: str
    nullable: bool = False
    is_key: bool = False
    is_pii: bool = False
    values: tuple[str, ...] = ()
    is_signed: bool = False
    minimum: int | None = None
    maximum: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    reference: Reference | None = None

    @property
    def sql_type(self) -> str:
        """The PostgreSQL type of the column, with its collation."""
        return SQL_TYPES[self.type]


@dataclass(frozen=True)
class Dataset:
    """One dataset. `full`: the complete state of the business date; `events`: what happened in the interval."""

    name: str
    kind: Literal["full", "events"]
    is_large: bool
    columns: tuple[Column, ...]
    description: str

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of all columns in contract order."""
        return tuple(column.name for column in self.columns)

    @property
    def key(self) -> tuple[str, ...]:
        """The names of the key columns, in the order in which the key checksum joins them."""
        return tuple(column.name for column in self.columns if column.is_key)

    @property
    def vnd_columns(self) -> tuple[Column, ...]:
        """The columns in đồng, those that have a control total."""
        return tuple(column for column in self.columns if column.type is ColumnType.VND)

    @property
    def pii_columns(self) -> tuple[Column, ...]:
        """The columns of personal data: they go to schema `personal`, never to `raw`."""
        return tuple(column for column in self.columns if column.is_pii)

    @property
    def raw_columns(self) -> tuple[Column, ...]:
        """The columns of schema `raw`: all that are not personal data."""
        return tuple(column for column in self.columns if not column.is_pii)

    def column(self, name: str) -> Column:
        """Return the column called `name`; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")


@cache
def load_datasets() -> Mapping[str, Dataset]:
    """Return the 15 datasets of the branch extract by name, in contract order. Errors: ContractError."""
    return MappingProxyType({name: load_contract(DATASETS_FOLDER / f"{name}.odcs.yaml") for name in DATASET_NAMES})


def load_contract(path: Path | str) -> Dataset:
    """Return the dataset that the contract file at `path` describes. Errors: ContractError."""
    from contract.odcs import read_contract  # noqa: PLC0415 - it imports this module

    return read_contract(Path(path))
