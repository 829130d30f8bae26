"""The directions of imports are checked by import-linter; here each of its rules is seen to fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PACKAGES = ("contract", "warehouse", "ingestion", "expectations", "reporting", "pipeline", "dags", "samples")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages and their rules."""
    folder = tmp_path_factory.mktemp("house")
    for package in PACKAGES:
        shutil.copytree(PROJECT / package, folder / package, ignore=lambda here, names: [
            name for name in names if not name.endswith(".py") and not (Path(here) / name).is_dir()
        ])  # fmt: skip
    shutil.copy(PROJECT / "pyproject.toml", folder)
    return folder


def check_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    environment = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"}
    command = [str(program), "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_house_keeps_its_own_rules(copy: Path) -> None:
    done = check_imports(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "imported", "rule"),
    [
        ("contract", "warehouse.connect", "Data flows one way"),
        ("warehouse", "ingestion.ledger", "Data flows one way"),
        ("ingestion", "expectations", "Data flows one way"),
        ("expectations", "reporting", "Data flows one way"),
        ("ingestion", "pipeline.steps", "Data flows one way"),
        ("pipeline", "dags.common", "Data flows one way"),
        ("samples", "contract.model", "The sample generator shares no code"),
        ("ingestion", "samples", "What checks deliveries knows nothing"),
        ("pipeline", "airflow.sdk", "Only dags import Airflow"),
        ("ingestion", "great_expectations", "Only expectations import Great Expectations"),
        ("pipeline", "great_expectations", "Only expectations import Great Expectations"),
    ],
)
def test_an_import_against_the_flow_is_refused_by_name(copy: Path, module: str, imported: str, rule: str) -> None:
    planted = copy / module / "planted.py"
    planted.write_text(f"def late():\n    import {imported}\n    return {imported}\n")
    try:
        done = check_imports(copy)
    finally:
        planted.unlink()
    assert done.returncode == 1
    assert any(line.startswith(rule) and "BROKEN" in line for line in done.stdout.splitlines()), done.stdout
    assert f"{module}.planted -> {imported.split('.', maxsplit=1)[0]}" in done.stdout
