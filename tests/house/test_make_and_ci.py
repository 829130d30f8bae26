"""The commands that set up and check: what they say, what they return, and from where they can be called."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with awkward characters in its name that holds the Makefile and steps that only say their name."""
    folder = tmp_path / "it's a  clone"
    (folder / ".ci").mkdir(parents=True)
    shutil.copy(PROJECT / "Makefile", folder)
    shutil.copy(PROJECT / ".ci/run", folder / ".ci/run")
    write_script(folder / ".ci/setup", 'echo "set up in $PWD"')
    write_script(folder / ".ci/lint", "echo linted")
    (folder / ".venv/bin").mkdir(parents=True)
    write_script(folder / ".venv/bin/python", 'echo "python $@"')
    return folder


def write_script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_make_help_lists_every_target_with_a_sentence() -> None:
    lines = (PROJECT / "Makefile").read_text().splitlines()
    targets = next(line for line in lines if line.startswith(".PHONY:")).split()[1:]
    shown = run("make", "help", cwd=PROJECT).stdout.splitlines()
    assert sorted(line.split()[1] for line in shown) == sorted(targets)
    assert all(len(line.split()) > 5 for line in shown), "a target has no sentence"


def test_make_works_from_any_folder_and_in_any_folder(clone: Path, tmp_path: Path) -> None:
    done = run("make", "-f", clone / "Makefile", "run", cwd=tmp_path)
    assert done.stdout.splitlines() == [f"set up in {clone}", "python -m pipeline demo"], done.stderr


def test_ci_passes_only_when_every_step_does(clone: Path) -> None:
    done = run("bash", ".ci/run", cwd=clone)
    assert done.returncode == 0
    assert "CI passed" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("step", "script"), [("setup", ".ci/setup"), ("lint", ".ci/lint"), ("test", ".venv/bin/python")]
)
def test_ci_fails_and_names_the_step_that_did(clone: Path, step: str, script: str) -> None:
    write_script(clone / script, "exit 3")
    done = run("bash", clone / ".ci/run", cwd=Path("/"))
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith(f"CI FAILED in: {step} ")


def test_clean_leaves_the_warehouse_and_the_environment_alone(clone: Path) -> None:
    kept = [clone / ".warehouse/build/x", clone / ".venv/__pycache__/x", clone / "pipeline/build.py"]
    gone = [clone / "pipeline/__pycache__/x", clone / ".mypy_cache/x", clone / "dbt_project/target/x"]
    for file in kept + gone:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert run("make", "clean", cwd=clone).returncode == 0
    assert [file.exists() for file in kept + gone] == [True] * 3 + [False] * 3


@pytest.mark.parametrize(
    ("broken", "name"),
    [("ruff check", "ruff"), ("ruff format", "format"), ("mypy", "mypy"), (".ci/lint_sql.py", "sqlfluff")],
)
def test_lint_runs_every_check_and_names_the_one_that_failed(clone: Path, broken: str, name: str) -> None:
    shutil.copy(PROJECT / ".ci/lint", clone / ".ci/lint")
    write_script(clone / ".venv/bin/python", f'echo "$@"\ncase "$*" in *"{broken}"*) exit 1 ;; esac')
    write_script(clone / ".venv/bin/lint-imports", "echo imports")
    done = run(clone / ".ci/lint", cwd=Path("/"))
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == f"lint: failed: {name}"
    assert len(done.stdout.splitlines()) == 6
