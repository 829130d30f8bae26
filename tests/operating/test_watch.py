"""The dead-man check: silent while nights end, loud when they do not, also when everything is dead."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import cli
from pipeline.after import find_failed_tasks
from pipeline.airflow_settings import Airflow
from pipeline.nights import find_killed_nights, record_run, recorded_night
from pipeline.watch import tell, watch
from tests.operating.receivers import web_server
from tests.support.warehouses import environment, new_warehouse, remove_warehouse
from warehouse.connect import Warehouse
from warehouse.settings import PROJECT

NOON = dt.datetime(2025, 10, 1, 5, 0, tzinfo=dt.UTC)
"""Twelve o'clock in Việt Nam; the deadline was at eight."""

KILLED = """
import os, signal
from pipeline.nights import recorded_night
from warehouse.connect import open_warehouse
with recorded_night(open_warehouse()):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def own(warehouse: Warehouse, tmp_path: Path) -> Iterator[Warehouse]:
    found = new_warehouse(warehouse, tmp_path / "home")
    yield found
    remove_warehouse(found)


def end_night(warehouse: Warehouse, moment: str) -> None:
    record_run(warehouse, f"run {moment}", dt.datetime.fromisoformat(moment), [])
    with warehouse.connect("admin") as connection:
        connection.execute("update meta.nights set ended_at = %s where run_id = %s", [moment, f"run {moment}"])


def test_all_is_well_when_a_night_ended_after_the_deadline(own: Warehouse) -> None:
    end_night(own, "2025-10-01 08:04+07")
    found = watch(own.settings, NOON)
    assert found.alarms == []
    assert found.text == "Good: a night has ended since the deadline of 2025-10-01 08:00, at 2025-10-01 08:04."


def test_it_speaks_when_none_has(own: Warehouse) -> None:
    end_night(own, "2025-10-01 03:00+07")
    (alarm,) = watch(own.settings, NOON).alarms
    assert alarm == (
        "no night has ended since the deadline of 2025-10-01 08:00; the last one ended at 2025-10-01 03:00"
    )


def test_the_night_that_begins_at_the_deadline_gets_its_time(own: Warehouse) -> None:
    end_night(own, "2025-09-30 08:04+07")
    assert watch(own.settings, dt.datetime(2025, 10, 1, 2, 29, tzinfo=dt.UTC)).alarms == []
    assert watch(own.settings, dt.datetime(2025, 10, 1, 2, 31, tzinfo=dt.UTC)).alarms


def test_a_night_that_broke_off_has_not_ended_well(own: Warehouse) -> None:
    with pytest.raises(RuntimeError), recorded_night(own):
        raise RuntimeError
    assert "none ever has" in watch(own.settings, NOON).alarms[0]


def test_a_run_of_airflow_whose_tasks_failed_has_not_ended_well(own: Warehouse) -> None:
    record_run(own, "run 1", NOON, find_failed_tasks({"find_branches": "failed", "branch.load_0": "upstream_failed"}))
    assert "none ever has" in watch(own.settings, NOON).alarms[0]
    record_run(own, "run 1", NOON, find_failed_tasks({"report_verdicts": "failed"}))
    assert watch(own.settings, NOON).alarms == [], "what a branch has sent is no failure of the night"


def test_a_night_that_was_killed_is_named(own: Warehouse) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED], env={**os.environ, **environment(own)}, cwd=PROJECT, check=False
    )
    assert done.returncode == -signal.SIGKILL
    with recorded_night(own), own.connect("loader") as connection:
        # The one that runs is not taken for one that was killed.
        (killed,) = find_killed_nights(connection)
    now = dt.datetime.now(dt.UTC)
    end_night(own, now.isoformat())
    assert str(killed) in watch(own.settings, now).alarms


def test_a_night_that_outlives_its_connection_is_not_called_killed(own: Warehouse) -> None:
    with recorded_night(own), own.connect("admin") as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted "
            "and database = (select oid from pg_database where datname = current_database())"
        )
    with own.connect("loader") as connection:
        assert find_killed_nights(connection) == []
        assert connection.execute("select ended_at is not null from meta.nights").fetchone() == (True,)


def test_it_speaks_when_postgresql_is_dead(own: Warehouse, tmp_path: Path) -> None:
    nowhere = replace(own.settings, home=tmp_path / "nothing here", url=None)
    (alarm,) = watch(nowhere, NOON).alarms
    assert "does not answer" in alarm
    assert not nowhere.home.exists()
    refused = replace(own.settings, url="postgresql://warehouse:secret@127.0.0.1:1/warehouse")
    (alarm,) = watch(refused, NOON).alarms
    assert "does not answer" in alarm
    assert "secret" not in alarm


def test_it_names_a_scheduler_that_died(own: Warehouse) -> None:
    end_night(own, "2025-10-01 08:04+07")
    folder = Airflow(own.settings.home).home / "services"
    folder.mkdir(parents=True)
    (folder / "scheduler.pid").write_text("999999999 1\n")
    (alarm,) = watch(own.settings, NOON).alarms
    assert alarm == "Airflow's scheduler died; `make up` starts what is missing"


def test_the_command_exits_with_one_and_tells_once(
    own: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment(own).items():
        monkeypatch.setenv(name, value)
    with web_server() as hook:
        monkeypatch.setenv("WAREHOUSE_DIGEST", f"http://127.0.0.1:{hook.port}/")
        assert [cli.main(["watch", "--tell"]) for _ in range(2)] == [1, 1]
        assert "no night has ended" in capsys.readouterr().err
        assert len(hook.posts) == 1
        now = dt.datetime.now(dt.UTC)
        end_night(own, now.isoformat())
        assert tell(watch(own.settings), own.settings) == []
        assert cli.main(["watch"]) == 0
