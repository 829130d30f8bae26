"""What docker-compose.yml promises, checked on the file itself, each promise also on a file that breaks it."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline import deadline, telling
from pipeline.status_page import RUNBOOKS
from warehouse.settings import PROJECT

Services = dict[str, dict[str, Any]]
ONCE = {"prepare", "people"}
"""Services that end when they have done their work."""


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((PROJECT / "docker-compose.yml").read_text())  # type: ignore[no-any-return]


def find_faults(compose: dict[str, Any]) -> set[str]:
    """All broken promises, as `service: promise`."""
    services: Services = compose["services"]
    return {f"{name}: {promise}" for name, service in services.items() for promise in _broken(name, service, compose)}


def _broken(name: str, service: dict[str, Any], compose: dict[str, Any]) -> Iterator[str]:
    volumes, environment = service.get("volumes", []), service.get("environment") or {}
    files = [str(compose["secrets"][secret].get("file")) for secret in service.get("secrets", [])]
    kept = {
        "its tag is pinned": re.search(r":\D*\d+\.\d+", service["image"]),
        "is not root": re.match(r"\$\{WAREHOUSE_UID:-[1-9]\d*\}:", str(service.get("user"))),
        "cannot become root": service.get("cap_drop") == ["ALL"]
        and "no-new-privileges:true" in service.get("security_opt", []),
        "has no way to the machine": not service.get("privileged")
        and not any("docker.sock" in volume for volume in volumes),
        "is read-only": service.get("read_only") is True,
        "has limits": service.get("mem_limit") and service.get("cpus") and service.get("pids_limit"),
        "says whether it is well": name in ONCE or service.get("healthcheck", {}).get("test"),
        "comes back": name in ONCE or service.get("restart") == "unless-stopped",
        "listens on this machine only": all(str(port).startswith("127.0.0.1:") for port in service.get("ports", [])),
        "has no way out": "ports" in service or service["networks"] == ["inside"],
        "has its secrets from files": not any(map(_is_secret, environment.items()))
        and all(file.startswith("./.compose/secrets/") for file in files),
    }
    yield from (promise for promise, is_kept in kept.items() if not is_kept)


def _is_secret(variable: tuple[str, Any]) -> bool:
    name, value = variable
    is_named_so = re.search("PASSWORD|SECRET|KEY|TOKEN", name) and not name.endswith("_FILE")
    return bool(is_named_so or re.search(r"://[^/]*:[^/]*@", str(value)))


def test_every_service_keeps_every_promise(compose: dict[str, Any]) -> None:
    assert find_faults(compose) == set()
    assert compose["networks"]["inside"] == {"internal": True}


def test_everything_that_the_night_needs_is_there(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == ONCE | {
        "postgres", "redis", "landing", "api-server", "scheduler", "dag-processor", "triggerer", "worker",
    }  # fmt: skip
    assert services["postgres"]["image"].startswith("postgres:18.")
    assert "container_name" not in services["worker"], "a name of its own keeps a service from being scaled"
    assert "ports" not in services["worker"]
    for name in ("scheduler", "dag-processor", "triggerer", "worker"):
        assert services[name]["depends_on"]["prepare"] == {"condition": "service_completed_successfully"}


def test_what_is_said_of_digests_and_deadlines_reaches_every_process_of_airflow(compose: dict[str, Any]) -> None:
    for name in ("api-server", "scheduler", "dag-processor", "triggerer", "worker"):
        given = compose["services"][name]["environment"]
        assert {setting: given[setting] for setting in (telling.SETTING, deadline.SETTING)} == {
            setting: f"${{{setting}:-}}" for setting in (telling.SETTING, deadline.SETTING)
        }


def test_the_runbooks_to_which_the_status_page_leads_are_in_the_image() -> None:
    folder = RUNBOOKS.relative_to(PROJECT)
    assert f"COPY {folder} {folder}" in (PROJECT / "Dockerfile").read_text()
    assert f"!{folder}" in (PROJECT / ".dockerignore").read_text().splitlines()


BREAK: dict[str, tuple[str, Callable[[dict[str, Any]], object]]] = {
    "its tag is pinned": ("redis", lambda s: s.update(image="redis:latest")),
    "is not root": ("postgres", lambda s: s.pop("user")),
    "cannot become root": ("worker", lambda s: s.update(cap_drop=[])),
    "has no way to the machine": ("worker", lambda s: s.update(volumes=["/var/run/docker.sock:/var/run/docker.sock"])),
    "is read-only": ("scheduler", lambda s: s.update(read_only=False)),
    "has limits": ("triggerer", lambda s: s.pop("mem_limit")),
    "says whether it is well": ("worker", lambda s: s.pop("healthcheck")),
    "comes back": ("scheduler", lambda s: s.update(restart="no")),
    "listens on this machine only": ("api-server", lambda s: s.update(ports=["8080:8080"])),
    "has no way out": ("worker", lambda s: s.update(networks=["inside", "outside"])),
    "has its secrets from files": ("postgres", lambda s: s["environment"].update(POSTGRES_PASSWORD="postgres")),
}


@pytest.mark.parametrize("promise", BREAK)
def test_a_broken_promise_is_found(compose: dict[str, Any], promise: str) -> None:
    name, change = BREAK[promise]
    broken = copy.deepcopy(compose)
    change(broken["services"][name])
    assert find_faults(broken) == {f"{name}: {promise}"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project's compose files for which the secrets were made."""
    root = tmp_path_factory.mktemp("compose")
    (root / "docker").mkdir()
    for name in ("docker/make_secrets.py", ".env.example"):
        (root / name).write_bytes((PROJECT / name).read_bytes())
    make(root)
    return root


def make(root: Path) -> None:
    subprocess.run([sys.executable, "-I", str(root / "docker/make_secrets.py")], check=True, capture_output=True)


def test_one_command_makes_every_secret_for_its_owner_only(made: Path, compose: dict[str, Any]) -> None:
    for secret in compose["secrets"].values():
        file = made / secret["file"]
        assert file.stat().st_mode & 0o777 == 0o600
        assert len(file.read_text()) >= 20
    assert (made / ".compose").stat().st_mode & 0o077 == 0
    password = (made / ".compose/secrets/postgres_password").read_text()
    assert password in (made / ".compose/secrets/warehouse_url").read_text()
    assert password not in (made / ".env").read_text()
    variables = {line.split("=")[0] for line in (PROJECT / ".env.example").read_text().splitlines() if "=" in line}
    used = set(re.findall(r"\$\{(\w+):-", (PROJECT / "docker-compose.yml").read_text()))
    assert used <= variables


def test_a_second_run_keeps_what_is_there_and_another_folder_gets_other_secrets(made: Path, tmp_path: Path) -> None:
    folder = made / ".compose/secrets"
    before = {file.name: file.read_text() for file in folder.iterdir()}
    make(made)
    assert {file.name: file.read_text() for file in folder.iterdir()} == before
    (tmp_path / "docker").mkdir()
    for name in ("docker/make_secrets.py", ".env.example"):
        (tmp_path / name).write_bytes((PROJECT / name).read_bytes())
    make(tmp_path)
    other = {file.name: file.read_text() for file in (tmp_path / ".compose/secrets").iterdir()}
    assert all(other[name] != text for name, text in before.items())


def test_the_landing_lets_the_warehouse_read_and_only_branches_write(made: Path) -> None:
    identities = json.loads((made / ".compose/secrets/landing.json").read_text())["identities"]
    may = {identity["name"]: set(identity["actions"]) for identity in identities}
    assert may["landing"] == {"Read:landing", "List:landing"}
    assert "Write:landing" in may["branches"]
    assert not any("Admin" in action for actions in may.values() for action in actions)
