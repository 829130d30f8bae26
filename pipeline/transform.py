"""dbt, run inside this process as the role `transformer`.

The manifest is kept between runs, so a backlog of many builds is parsed once.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from psycopg.pq import TransactionStatus

from contract.errors import WarehouseError
from expectations import without_collecting
from warehouse.connect import Warehouse, connection_options

PROJECT = Path(__file__).resolve().parent.parent / "dbt_project"
AREAS = ("prepare", "dimensions", "lending", "capital", "boards")
"""The areas of the dbt project in the order in which they are built; a test across areas belongs to the last one."""

PLANNER = "-c enable_nestloop=off"
"""Rows that have just been loaded are unknown to the planner: it takes a delivery for a handful of rows and loops over it (two
minutes were seen where a hash join takes a second). The role's own setting is of its database: a restored copy has none."""

_FOLDERS = {
    "prepare": ["staging", "intermediate"],
    "dimensions": ["dimensions"],
    "lending": ["lending"],
    "capital": ["capital"],
    "boards": ["boards"],
}
Progress = Callable[[str], None]


class CandidatesError(WarehouseError):
    """Models or tests failed on the candidate rows of a build: the figures of at least one branch are not right."""


@functools.cache
def calculation_version() -> str:
    """The hash of all models and macros: figures made under another one are made again."""
    return _hash_files("models/**/*.sql", "macros/**/*.sql")


@functools.cache
def definition_version() -> str:
    """The hash of all models with their contracts and descriptions: under another one, tables and comments are looked at."""
    return _hash_files("models/**/*", "macros/**/*.sql")


def _hash_files(*patterns: str) -> str:
    digest = hashlib.sha256()
    for file in sorted(file for pattern in patterns for file in PROJECT.glob(pattern) if file.is_file()):
        digest.update(f"{file.relative_to(PROJECT)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:32]


def build_areas(
    warehouse: Warehouse,
    areas: Sequence[str],
    parts: Sequence[str] | None,
    running_build: Mapping[str, Any],
    progress: Progress | None = None,
) -> None:
    """Build and test the models of `areas` for the running build: those of `parts`, or all and the views (None).

    `running_build` is what meta.describe_running_build tells. Raises CandidatesError that names the models and tests that
    failed.
    """
    # Of a build nobody reads dbt's JSON: our log and meta.builds have what it did.
    arguments = ["build", "--no-write-json", *select_models(areas, parts)]
    run_dbt(warehouse, arguments, progress, {"running_build": running_build})


def select_models(areas: Sequence[str], parts: Sequence[str] | None) -> list[str]:
    """Return dbt's arguments that select models, and the tests that can run once these are built."""
    paths = [f"path:models/{folder}" for area in areas for folder in _FOLDERS[area]]
    if parts is None:
        selected = paths
    elif set(areas) == set(AREAS):
        selected = [f"config.meta.part:{part}" for part in parts]
    else:
        selected = [f"{path},config.meta.part:{part}" for path in paths for part in parts]
    if "boards" in areas:
        selected.append("tag:across_areas")
    # A test that looks at several models runs when all of them are built: at once, or in the last area that it needs.
    indirect = "eager" if set(areas) == set(AREAS) else "buildable"
    return ["--select", *selected, "--indirect-selection", indirect, "--exclude-resource-type", "unit_test"]


def run_dbt(
    warehouse: Warehouse,
    arguments: Sequence[str],
    progress: Progress | None = None,
    variables: Mapping[str, Any] | None = None,
) -> Any:
    """Run a dbt command and return its result. Errors: WarehouseError with what failed and where the log is."""
    manifest = parse_project(warehouse)
    folder = _dbt_folder(warehouse)
    callbacks = [functools.partial(_report, progress)] if progress else []
    options = f"{connection_options(warehouse.admin_url)} {PLANNER}"
    with dbt_environment(warehouse), _environment({"PGOPTIONS": options}):
        runner = _import_runner()(manifest=manifest, callbacks=callbacks)
        result = runner.invoke([*arguments, *_common_arguments(folder)], vars=dict(variables or {}))
    _require_success(result, folder)
    return result.result


def parse_project(warehouse: Warehouse) -> Any:
    """Return dbt's manifest of the project: parsed once in a process, by whichever thread comes first."""
    folder = _dbt_folder(warehouse)
    with _parsing, without_collecting():
        if folder not in _manifests:
            folder.mkdir(parents=True, exist_ok=True)
            with dbt_environment(warehouse):
                parsed = _import_runner()().invoke(["parse", *_common_arguments(folder), "--no-write-json"])
            _require_success(parsed, folder)
            _manifests[folder] = parsed.result
        return _manifests[folder]


@functools.cache
def _import_runner() -> Any:
    """Import dbt, which takes seconds, and return its runner: with connections that are kept from node to node.

    dbt opens one for each of a hundred nodes, which costs each 6 ms and what the one before had in its caches.
    """
    from mashumaro.config import BaseConfig  # noqa: PLC0415 - comes with dbt

    # What reads and writes dbt's classes is made where it is needed, not for all of them: 0.3 s of 1.5.
    BaseConfig.lazy_compilation = True
    from dbt.adapters.postgres.connections import PostgresConnectionManager  # noqa: PLC0415
    from dbt.cli.main import dbtRunner  # noqa: PLC0415

    release = functools.partialmethod(_keep_connection, PostgresConnectionManager.release)
    PostgresConnectionManager.release = release
    return dbtRunner


def _keep_connection(manager: Any, close: Callable[[Any], None]) -> None:
    """Leave a worker's connection open for its next node, without a transaction; dbt closes all at the end of a run."""
    connection = manager.get_if_exists()
    is_worker = threading.current_thread() is not threading.main_thread()
    if is_worker and connection is not None and connection.state == "open":
        handle = connection.handle
        # Asked of the connection: of a transaction that psycopg2 began by itself dbt does not know.
        if handle.info.transaction_status != TransactionStatus.IDLE:
            with contextlib.suppress(Exception):
                handle.rollback()
        if not handle.closed:
            connection.transaction_open = False
            return
    close(manager)


_manifests: dict[Path, Any] = {}
_parsing = threading.Lock()


def _common_arguments(folder: Path) -> list[str]:
    return [
        "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(folder / "target"),
        "--log-path", str(folder / "logs"), "--log-level", "none", "--log-level-file", "info",
    ]  # fmt: skip


def _dbt_folder(warehouse: Warehouse) -> Path:
    """Where dbt writes for this database."""
    return warehouse.settings.home / "dbt" / urlsplit(warehouse.admin_url).path.strip("/")


def _report(progress: Progress, event: Any) -> None:
    if event.info.name in ("LogModelResult", "LogTestResult"):
        progress(event.info.msg)


def _require_success(result: Any, folder: Path) -> None:
    if result.success:
        return
    log = f"See {folder / 'logs' / 'dbt.log'}; readers go on seeing what was shown of it before."
    if result.exception is not None:
        raise WarehouseError(f"dbt could not run: {result.exception}", remedy=log)
    failed = [node for node in result.result if node.status in ("error", "fail", "runtime error")]
    what = "; ".join(f"{node.node.name}: {' '.join(str(node.message).split())[:300]}" for node in failed)
    raise CandidatesError(f"The marts could not be built. {what}", remedy=log)


def _connection_variables(warehouse: Warehouse) -> dict[str, str]:
    parts = urlsplit(warehouse.url("transformer"))
    return {
        "WAREHOUSE_DBT_HOST": parts.hostname or "",
        "WAREHOUSE_DBT_PORT": str(parts.port or 5432),
        "WAREHOUSE_DBT_USER": unquote(parts.username or ""),
        "WAREHOUSE_DBT_DATABASE": unquote(parts.path.lstrip("/")),
        "DBT_ENV_SECRET_WAREHOUSE_PASSWORD": unquote(parts.password or ""),
    }


@contextlib.contextmanager
def dbt_environment(warehouse: Warehouse) -> Iterator[None]:
    """Set the environment variables that dbt_project/profiles.yml reads, and take them back."""
    with _environment(_connection_variables(warehouse)):
        yield


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
