"""The steps as DAG tasks call them: on this process's warehouse, handing on ids and counts, never rows."""

from __future__ import annotations

from pipeline import branch, build, intake
from pipeline.data_docs import refresh_data_docs
from pipeline.outcomes import arrival_outcome
from warehouse.connect import open_warehouse


def find_branches() -> list[str]:
    """Return the branches that have something to do."""
    return branch.find_branches(open_warehouse())


def verify_branch(code: str) -> list[int]:
    """Look at the branch's folders and keep what is new; return the delivery ids, say what was refused or waits."""
    found = branch.verify_branch(open_warehouse(), code)
    for arrival in found:
        if arrival.verdict in ("refused", "waiting"):
            print(arrival_outcome(arrival).line)
    return [arrival.delivery_id for arrival in found if arrival.verdict is None and arrival.delivery_id is not None]


def load_branch(code: str) -> list[int]:
    """Load what is registered; return the delivery ids."""
    return intake.load_pending(open_warehouse(), code, print)


def validate_branch(code: str) -> list[int]:
    """Judge what is loaded; return the delivery ids."""
    warehouse = open_warehouse()
    validated = intake.validate_pending(warehouse, code, print)
    if validated:
        refresh_data_docs(warehouse)
    return validated


def publish_branch(code: str) -> list[int]:
    """Bring the ledger up to date; return the ids of the deliveries whose verdict turned, and say what they are now."""
    turned = branch.publish_branch(open_warehouse(), code)
    for outcome in turned:
        print(outcome.line)
    return [outcome.delivery_id for outcome in turned if outcome.delivery_id is not None]


def open_build() -> int | None:
    """Open a build of the units whose inputs have changed; return its id, None where there is nothing to do."""
    return build.open_build(open_warehouse())


def build_area(build_id: int, area: str) -> None:
    """Build and test one area of the dbt project beside what readers see."""
    build.run_areas(open_warehouse(), build_id, [area], print)


def flip_build(build_id: int) -> None:
    """Show the build to readers, all marts at once."""
    build.flip(open_warehouse(), build_id)
