"""The processes among which a night shares out its work."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from contract.errors import WarehouseError
from pipeline.dbt_ahead import DbtAhead
from pipeline.night import Night, run_night
from pipeline.transform import AREAS, CandidatesError
from tests.faults.nights import failing, running
from tests.faults.waiting import wait_until
from tests.operating.conftest import without_one_dong
from tests.support.deliveries import first_delivery
from tests.support.warehouses import new_warehouse
from warehouse.connect import Warehouse
from warehouse.settings import PROJECT


def find_workers() -> set[int]:
    """Return the living processes that a pool of this machine's Python has spawned."""
    found = set()
    for folder in Path("/proc").iterdir():
        try:
            if b"--multiprocessing-fork" in (folder / "cmdline").read_bytes():
                found.add(int(folder.name))
        except (NotADirectoryError, FileNotFoundError, ProcessLookupError):
            continue
    return found


def workers_of(night: str) -> set[int]:
    """Return those whose environment has this word in it."""
    return {process for process in find_workers() if night.encode() in environment_of(process)}


def environment_of(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/environ").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one processor, no workers")
def test_the_workers_of_a_killed_night_end_with_it(warehouse: Warehouse, tmp_path: Path) -> None:
    own = new_warehouse(warehouse, tmp_path / "home")
    for branch in ("96", "58"):
        first_delivery(branch).write(Path(own.settings.landing))
    mark = tmp_path / "reached"

    with failing(own, "after hashing=hang", mark, module=("pipeline", "night")) as night:
        wait_until(mark.exists, lambda: night.poll() is not None)
        assert len(workers_of(str(mark))) == 3, "two for the branches and dbt"
        night.kill()
        wait_until(lambda: not workers_of(str(mark)))


def test_a_worker_that_is_killed_takes_no_other_branch_with_it(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for want of memory, which the same delivery lacks in every process."""
    own = new_warehouse(warehouse, tmp_path / "home")
    for branch in ("01", "04", "96"):
        first_delivery(branch).write(Path(own.settings.landing))
    with monkeypatch.context() as patch:
        patch.setenv("WAREHOUSE_FAULT", "before the commit that makes visible 04=kill")
        found = run_night(own, processes=2)
    assert found.failures == {"04": "its process was killed, perhaps for want of memory"}
    assert {outcome.branch_code for outcome in found.outcomes} == {"01", "96"}
    again = run_night(own, processes=2)
    assert {outcome.branch_code: outcome.verdict for outcome in again.outcomes} == {
        "01": "duplicate", "04": "published", "96": "duplicate",
    }  # fmt: skip


def test_what_was_held_before_a_worker_was_killed_is_no_repeat_to_the_one_that_begins_again(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed once, as for want of memory that is there again a moment later."""
    own = new_warehouse(warehouse, tmp_path / "home")
    first_delivery("96").write(Path(own.settings.landing))
    without_one_dong(first_delivery("04")).write(Path(own.settings.landing))
    with monkeypatch.context() as patch:
        patch.setenv("WAREHOUSE_FAULT", "after the commit that makes visible 04=kill")
        patch.setenv("WAREHOUSE_FAULT_MARK", str(tmp_path / "reached"))
        found = run_night(own, processes=2)
    assert (tmp_path / "reached").exists()
    assert [(outcome.branch_code, outcome.verdict) for outcome in found.outcomes] == [
        ("04", "held"),
        ("96", "published"),
    ]
    assert found.is_bad
    assert found.failures == {}


def interrupt(folder: Path, code: str) -> Night:
    """The work for a branch: the first presses Ctrl-C, which reaches every process of the night; others wait for it."""
    (folder / code).touch()
    if code == "01":
        (folder / "interrupted").touch()
        os.killpg(0, signal.SIGINT)
    while not (folder / "interrupted").exists():
        pass
    return Night()


def test_after_an_interruption_no_other_branch_begins_and_the_night_ends(tmp_path: Path) -> None:
    codes = [f"{number:02}" for number in range(1, 21)]
    night = (
        "from functools import partial; from pathlib import Path; from pipeline.night import _run_in_workers; "
        f"from tests.faults.test_workers import interrupt; _run_in_workers(partial(interrupt, Path({str(tmp_path)!r})), {codes}, 2)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", night], cwd=PROJECT, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        wait_until(lambda: process.poll() is not None)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert (tmp_path / "interrupted").exists()
    assert not (tmp_path / codes[-1]).exists()


@contextmanager
def making_marts(warehouse: Warehouse, mark: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A night that has published a delivery, and whose dbt waits for a lock that is let go with the block."""
    first_delivery("96").write(Path(warehouse.settings.landing))
    waits = "select from pg_stat_activity where usename = 'transformer' and datname = %s and wait_event_type = 'Lock'"
    with warehouse.connect("admin") as blocker, warehouse.connect("admin", autocommit=True) as watch:
        blocker.execute("lock table meta.benchmarks in access exclusive mode")
        with running(warehouse, {"OF_THIS_TEST": mark}, module=("pipeline", "night"), **options) as night:
            database = [watch.info.dbname]
            wait_until(lambda: watch.execute(waits, database).fetchone() is not None, lambda: night.poll() is not None)
            yield night


def test_the_dbt_of_a_killed_night_ends_with_it(warehouse: Warehouse, tmp_path: Path) -> None:
    own = new_warehouse(warehouse, tmp_path / "home")
    with making_marts(own, str(tmp_path)) as night:
        assert workers_of(str(tmp_path))
        night.kill()
        wait_until(lambda: not workers_of(str(tmp_path)))


def test_a_night_whose_dbt_is_killed_tells_the_verdicts_all_the_same(warehouse: Warehouse, tmp_path: Path) -> None:
    own = new_warehouse(warehouse, tmp_path / "home")
    with making_marts(own, str(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as night:
        (dbt,) = workers_of(str(tmp_path))
        os.kill(dbt, signal.SIGKILL)
        told, why = night.communicate()
    assert re.match(r"96 2025-09-28 r1 +published", told.decode())
    assert b"dbt made the marts was killed" in why
    assert night.returncode == 70


def test_a_night_ends_without_a_word_of_its_processes(warehouse: Warehouse, tmp_path: Path) -> None:
    own = new_warehouse(warehouse, tmp_path / "home")
    following = first_delivery("96")
    for _ in range(2):
        following.write(Path(own.settings.landing))
        with running(own, {"OF_THIS_TEST": str(tmp_path)}, ("pipeline", "night"), stderr=subprocess.PIPE) as night:
            said = night.communicate()[1].decode().splitlines()
        assert night.returncode == 0
        assert [line for line in said if not re.match(r"\d\d:\d\d:\d\d  ", line)] == []
        assert workers_of(str(tmp_path)) == set()
        following = following.next("2025-09-29")


def test_progress_that_nobody_reads_any_more_is_not_taken_for_the_death_of_dbt(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    own = new_warehouse(warehouse, tmp_path / "home")

    def broken(_: str) -> None:
        raise BrokenPipeError

    with own.connect("admin") as connection:
        connection.execute("revoke select on all tables in schema meta from transformer")
    with DbtAhead(own) as dbt:
        dbt.start()
        with pytest.raises(BrokenPipeError):
            dbt.build_areas(own, AREAS, None, {}, broken)


def test_what_dbt_cannot_do_in_its_own_process_is_told_in_this_one(warehouse: Warehouse, tmp_path: Path) -> None:
    own = new_warehouse(warehouse, tmp_path / "home")
    with own.connect("admin") as connection:
        connection.execute("revoke select on all tables in schema meta from transformer")
    with DbtAhead(own) as dbt:
        dbt.start()
        with pytest.raises(CandidatesError, match=r"The marts could not be built\. .+ See .+dbt\.log") as told:
            dbt.build_areas(own, AREAS, None, {})
        assert "permission denied" in told.value.problem
        with pytest.raises(WarehouseError, match=r"dbt could not run: KeyError in pipeline/transform\.py"):
            dbt.build_areas(own, ["unheard of"], None, {})
        (child,) = [process for process in multiprocessing.active_children() if process.name == "dbt"]
        child.kill()
        with pytest.raises(WarehouseError, match=r"was killed.*run the night again"):
            dbt.build_areas(own, AREAS, None, {})
