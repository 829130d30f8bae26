"""The quarter close as a sequence of steps, for the command line, the DAG and `make run`."""

from __future__ import annotations

from dataclasses import dataclass, field

from contract.errors import WarehouseError
from ingestion.store import Store
from pipeline.build import build
from pipeline.intake import Progress, quiet
from pipeline.quarter_rederive import derive_again, find_damaged_inputs, keep_reference
from reporting.quarter import Quarter
from reporting.quarter_compare import Copy, Difference, compare_copies
from reporting.quarter_decide import find_alterations
from reporting.quarter_freeze import Freeze, freeze_quarter
from reporting.quarter_inputs import code_version
from reporting.quarter_log import Status, Version, read_inputs, require_version
from reporting.quarter_tables import parse_contents
from warehouse.connect import Warehouse

EQUAL, DIFFERENT, OTHER_CODE = 0, 1, 3
NOT_REJECTED: tuple[Status, ...] = ("draft", "approved", "published", "superseded")


def freeze(warehouse: Warehouse, quarter: Quarter, requested_by: str | None, progress: Progress = quiet) -> Freeze:
    """Bring the marts up to date, keep the reference data, and freeze (see `reporting.quarter_freeze`)."""
    build(warehouse, progress=progress)
    keep_reference(warehouse)
    return freeze_quarter(warehouse, quarter, requested_by)


@dataclass
class Verification:
    """What `verify` found of a version.

    `altered`: frozen tables that are not as they were frozen; `damaged`: stored inputs that are not; `differences`: by
    table, None where the text derived again is the same (empty: not derived); `problem`: why it could not be derived.
    """

    version: Version
    recorded_code: str
    altered: dict[str, str] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)
    differences: dict[str, Difference | None] = field(default_factory=dict)
    problem: str | None = None

    @property
    def is_same_code(self) -> bool:
        """True when the code that derived the figures again is that which froze them."""
        return self.recorded_code == code_version()

    @property
    def different(self) -> list[Difference]:
        return [found for found in self.differences.values() if found is not None]

    @property
    def exit_code(self) -> int:
        """0 equal, 1 different, 3 when another code version is installed and nothing else is wrong."""
        if self.altered or self.damaged:
            return DIFFERENT
        if not self.is_same_code:
            return OTHER_CODE
        return DIFFERENT if self.problem or self.different else EQUAL

    @property
    def lines(self) -> list[str]:
        """What a person is told."""
        found = [f"{self.version.name} ({self.version.status}), checksum {self.version.content_sha256}"]
        found += [f"ALTERED quarters.{name}: {how}" for name, how in self.altered.items()]
        if not self.altered:
            found.append("The frozen rows have the checksum that was recorded.")
        found += [f"DAMAGED {what}" for what in self.damaged]
        if not self.damaged:
            found.append("Every recorded input is in the store with its hash.")
        if not self.is_same_code:
            found.append(
                f"The quarter was frozen by the code version {self.recorded_code[:12]}, installed is {code_version()[:12]}: "
                "equality byte for byte cannot be asked of another calculation."
            )
        if self.problem:
            found.append(f"It could not be derived again: {self.problem}")
        if self.differences:
            same = len(self.differences) - len(self.different)
            found.append(f"Derived again by the installed code: {same} of {len(self.differences)} tables are equal.")
        found += [f"DIFFERENT {difference}" for difference in self.different]
        return found


def verify(
    warehouse: Warehouse, quarter: Quarter, number: int | None = None, progress: Progress = quiet
) -> Verification:
    """Derive a version again from the stored bytes of its inputs and compare byte for byte; nothing is changed.

    Without a number the newest version that was not rejected. Raises QuarterError when there is none.
    """
    with warehouse.connect("quarter_keeper") as connection:
        version = require_version(connection, quarter, *(() if number else NOT_REJECTED), version=number)
        inputs = read_inputs(connection, version)
        found = Verification(version, inputs["code"]["version"], find_alterations(connection, version))
        progress(f"{version.name}: reading {len(inputs['deliveries'])} deliveries in the store")
        store = Store(warehouse.settings.store)
        found.damaged = find_damaged_inputs(store, inputs)
        if found.damaged:
            return found
        try:
            with (
                derive_again(store, quarter, inputs, progress) as (scratch, derived),
                scratch.connect("quarter_keeper") as other,
            ):
                frozen, copy = Copy(connection, version), Copy(other, derived)
                found.differences = compare_copies(frozen, copy, parse_contents(inputs))
        except WarehouseError as error:
            found.problem = str(error)
        return found
