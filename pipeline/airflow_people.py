"""Who may do what in Airflow: four roles, and a first person in each.

| role | may | may not |
|---|---|---|
| Viewer | see runs, logs, questions | change anything |
| Operator | trigger, clear, pause, mark, rework | approve a quarter; connections, variables, users |
| Approver | answer the question of a quarter's close | trigger or clear anything |
| Admin | everything, users included | |

They are kept by Airflow's FAB auth manager in its metadata database (hashed passwords, and LDAP or OIDC where wanted).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from contract.errors import WarehouseError
from pipeline.airflow_api import AirflowApi
from pipeline.airflow_settings import APPROVER, OPERATOR, USER, VIEWER

Permission = tuple[str, str]


@dataclass(frozen=True)
class Role:
    """A role: what it may beyond looking (action, resource), in FAB's words."""

    name: str
    may: tuple[Permission, ...]


OPERATING: tuple[Permission, ...] = (
    ("can_edit", "DAGs"), ("can_create", "DAG Runs"), ("can_edit", "DAG Runs"), ("can_create", "Task Instances"),
    ("can_edit", "Task Instances"), ("can_create", "Backfills"), ("can_edit", "Backfills"), ("can_create", "Assets"),
)  # fmt: skip
# Whoever answers a question must be able to edit its DAG; without "DAG Runs" that is no more than pausing it.
APPROVING: tuple[Permission, ...] = (("can_edit", "DAGs"), ("can_edit", "HITL Detail"), ("menu_access", "HITL Detail"))
ROLES = (Role("Operator", OPERATING), Role("Approver", APPROVING))
PEOPLE = {USER: "Admin", OPERATOR: "Operator", APPROVER: "Approver", VIEWER: "Viewer"}


def add_people(api: AirflowApi, passwords: Path) -> list[str]:
    """Create the roles and the first persons that are missing; return the names of the new ones.

    `passwords` holds the first password by user name. Whoever has changed a password or a role keeps it.
    """
    looking = api.call("GET", "/auth/fab/v1/roles/Viewer")["actions"]
    for role in ROLES:
        if not _exists(api, f"/auth/fab/v1/roles/{role.name}"):
            may = [{"action": {"name": action}, "resource": {"name": resource}} for action, resource in role.may]
            api.call("POST", "/auth/fab/v1/roles", {"name": role.name, "actions": [*looking, *may]})
    first = json.loads(passwords.read_text())
    new = [name for name in PEOPLE if not _exists(api, f"/auth/fab/v1/users/{name}")]
    for name in new:
        body = {
            "username": name, "email": f"{name}@localhost", "first_name": name.title(), "last_name": "VBSP",
            "roles": [{"name": PEOPLE[name]}], "password": first[name],
        }  # fmt: skip
        api.call("POST", "/auth/fab/v1/users", body)
    return new


def _exists(api: AirflowApi, path: str) -> bool:
    try:
        api.call("GET", path)
    except WarehouseError as error:
        if "answered 404" in str(error):
            return False
        raise
    return True
