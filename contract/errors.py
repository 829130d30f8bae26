"""The family of errors: each says where it happened and what to do next.

An error of this family means that a *step* could not be done. What is wrong *in a delivery* is a finding
(`contract.findings`), not an error: the door goes on and reports all of it.
"""

from __future__ import annotations

import traceback
from datetime import date
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent


class WarehouseError(Exception):
    """Something could not be done; `remedy` is one sentence that says what to do next.

    `branch_code` (2 digits), `business_date` and `dataset` are set where the error concerns one.
    """

    def __init__(
        self,
        problem: str,
        *,
        remedy: str,
        branch_code: str | None = None,
        business_date: date | None = None,
        dataset: str | None = None,
    ) -> None:
        self.problem = problem
        self.remedy = remedy
        self.branch_code = branch_code
        self.business_date = business_date
        self.dataset = dataset
        super().__init__(problem, remedy)

    def __reduce__(self) -> tuple[Any, ...]:
        """Cross from one process to another whole: the constructor takes keywords, which pickling forgets."""
        names = ("remedy", "branch_code", "business_date", "dataset")
        return _rebuild, (type(self), self.problem, {name: getattr(self, name) for name in names})

    def __str__(self) -> str:
        places = (
            ("branch", self.branch_code),
            ("date", self.business_date),
            ("dataset", self.dataset),
        )
        where = ", ".join(f"{name} {value}" for name, value in places if value is not None)
        return f"{self.problem}{f' ({where})' if where else ''}. {self.remedy}"


def _rebuild(kind: type[WarehouseError], problem: str, details: dict[str, Any]) -> WarehouseError:
    return kind(problem, **details)


class ContractError(WarehouseError):
    """A contract file is not one that this code understands in full."""


class DialectError(WarehouseError):
    """A CSV dialect has a property or a value that cannot be read exactly."""


class UnsafeInputError(WarehouseError):
    """Bytes that must not be read any further, such as an archive bomb (verdict `refused`)."""


class DamagedInputError(WarehouseError):
    """A compressed stream, workbook or Parquet file that cannot be read to its end; `rule` names the finding."""

    rule = "source-error"


class DamagedCompressionError(DamagedInputError):
    """A compressed stream is cut short, altered or none."""

    rule = "compression-error"


def describe_failure(error: BaseException) -> str:
    """Return what failed and where in the code. The error's own words may hold delivered values, and are left out."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(PROJECT) and ".venv" not in frame.filename]
    place = f" in {Path(ours[-1].filename).relative_to(PROJECT)}, line {ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__}{place}"
