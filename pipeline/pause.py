"""Pausing a branch: its folders are left where they are until it is resumed. What is visible stays as it is."""

from __future__ import annotations

from contract.errors import WarehouseError
from pipeline.news import branch_name
from warehouse.connect import Connection, Warehouse


def pause_branch(warehouse: Warehouse, branch_code: str, by: str, reason: str) -> str:
    """Pause a branch and say so. Raises WarehouseError for an unknown code, or one that is paused already."""
    with warehouse.connect("loader") as connection:
        _require_branch(connection, branch_code)
        done = connection.execute(
            "insert into meta.pauses (branch_code, paused_by, reason) values (%s, %s, %s) on conflict do nothing",
            [branch_code, by, reason],
        ).rowcount
    if not done:
        raise WarehouseError(
            f"{branch_name(branch_code)} is paused already", remedy=f"`pipeline resume {branch_code}` ends that."
        )
    return f"{branch_name(branch_code)} is paused: nights leave its folders alone, readers see what they saw."


def _require_branch(connection: Connection, branch_code: str) -> None:
    if not connection.execute("select 1 from meta.branches where branch_code = %s", [branch_code]).fetchone():
        raise WarehouseError(f"No branch has the code {branch_code}", remedy="Use a code of meta.branches.")


def resume_branch(warehouse: Warehouse, branch_code: str, by: str) -> str:
    """Resume a branch and say so. Raises WarehouseError when it is not paused."""
    with warehouse.connect("loader") as connection:
        done = connection.execute(
            "update meta.pauses set resumed_at = clock_timestamp(), resumed_by = %s "
            "where branch_code = %s and resumed_at is null",
            [by, branch_code],
        ).rowcount
    if not done:
        raise WarehouseError(f"{branch_name(branch_code)} is not paused", remedy="`pipeline status` names who is.")
    return f"{branch_name(branch_code)} is resumed: the next night takes in what has come meanwhile."


def paused_branches(connection: Connection) -> set[str]:
    """Return the codes of the branches that are paused."""
    return {code for (code,) in connection.execute("select branch_code from meta.pauses where resumed_at is null")}


def require_at_work(warehouse: Warehouse, branch_code: str) -> None:
    """Raise WarehouseError when somebody asks for a branch that is paused, or for a code that no branch has."""
    with warehouse.connect("loader") as connection:
        _require_branch(connection, branch_code)
        if branch_code in paused_branches(connection):
            raise WarehouseError(
                f"{branch_name(branch_code)} is paused", remedy=f"`pipeline resume {branch_code}` ends that."
            )
