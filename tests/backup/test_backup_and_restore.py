"""A warehouse is lost and comes back: its last state, the state of a moment, and the figures from the stored bytes alone.

One story on a server of its own. Printed: what was lost in seconds (RPO) and how long coming back took (RTO).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from contract.errors import WarehouseError
from pipeline.build import build
from pipeline.laws import check_laws
from tests.faults.witness import Content, read_content
from tests.support.deliveries import Delivery, first_delivery, repay
from tests.support.warehouses import run_short_night, without_great_expectations
from warehouse.backup import back_up, expire, read_manifests, ship
from warehouse.connect import Warehouse, open_warehouse
from warehouse.restore import restore
from warehouse.sealed import SealError, make_key
from warehouse.server import EmbeddedServer
from warehouse.settings import PROJECT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
Marts = dict[str, str]


def quiet(_: str) -> None:
    """Say nothing."""


@dataclass
class Story:
    """A warehouse that is lost, its backup, and what was visible at each moment."""

    home: Path
    folder: Path
    key: Path
    contents: dict[str, tuple[Content, Marts]] = field(default_factory=dict)
    moments: dict[str, dt.datetime] = field(default_factory=dict)
    ledger: list[tuple[Any, ...]] = field(default_factory=list)
    lost_at: dt.datetime = dt.datetime.min

    def note(self, name: str, warehouse: Warehouse) -> None:
        self.contents[name] = (read_content(warehouse), read_marts(warehouse))
        with warehouse.connect("admin") as connection:
            row = connection.execute("select clock_timestamp()").fetchone()
        assert row is not None
        self.moments[name] = row[0]


def read_marts(warehouse: Warehouse) -> Marts:
    """A digest of each mart, apart from the numbers of deliveries and builds and from times."""
    digests = {}
    with warehouse.connect("admin") as connection:
        names = connection.execute(
            "select table_name from information_schema.views where table_schema = 'marts'"
        ).fetchall()
        for (name,) in names:
            rows = connection.execute(f"select to_jsonb(m) from marts.{name} as m").fetchall()  # type: ignore[call-overload]
            plain = sorted(json.dumps(without_times(row), sort_keys=True) for (row,) in rows)
            digests[name] = hashlib.sha256("\n".join(plain).encode()).hexdigest()
    return digests


def without_times(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not name.endswith(("_at", "_id", "build"))}


def read_ledger(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    with warehouse.connect("admin") as connection:
        return connection.execute("select * from meta.ledger order by entry_no").fetchall()


def take_in(warehouse: Warehouse, *deliveries: Delivery) -> None:
    for delivery in deliveries:
        delivery.write(Path(warehouse.settings.landing))
    with without_great_expectations():
        run_short_night(warehouse)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Base backup, a night, its log shipped, another night that is not shipped; then the server is gone."""
    root = tmp_path_factory.mktemp("backup")
    told = Story(root / "home", root / "backups", root / "vault" / "backup.key")
    key = make_key(told.key)
    first = first_delivery("96")
    second = repay(first.next("2025-09-29"), 1, 1_000_000)
    warehouse = open_warehouse(told.home)
    try:
        take_in(warehouse, first, first_delivery("58", "2024-03-30"))
        back_up(warehouse, told.folder, key, quiet)
        told.note("after the backup", warehouse)
        take_in(warehouse, second)
        build(warehouse)
        with warehouse.connect("loader") as connection:
            connection.execute(
                "insert into meta.erasures (customer_id, erased_by, reason) values ('gone', 'test', 'test')"
            )
        told.note("shipped", warehouse)
        told.ledger = read_ledger(warehouse)
        assert ship(warehouse, told.folder, key, quiet) > 0
        take_in(warehouse, repay(second.next("2025-09-30"), 2, 250_000))
        build(warehouse)
        told.note("not shipped", warehouse)
        EmbeddedServer(told.home).stop("immediate")
        told.lost_at = dt.datetime.now(dt.UTC)
        yield told
    finally:
        EmbeddedServer(told.home).destroy()


@pytest.fixture
def new_home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "restored"
    yield home
    EmbeddedServer(home).destroy()


def require_laws(warehouse: Warehouse) -> None:
    assert [violation for result in check_laws(warehouse) for violation in result.violations] == []


def test_the_last_shipped_state_comes_back_with_its_history(story: Story, new_home: Path) -> None:
    done = restore(story.folder, new_home, make_key(story.key), None, quiet)
    restored = open_warehouse(new_home)
    content, marts = story.contents["shipped"]
    assert read_content(restored) == content
    assert read_marts(restored) == marts
    assert read_ledger(restored) == story.ledger
    require_laws(restored)
    assert done.last_commit is not None
    lost = story.lost_at - done.last_commit
    print(f"RPO {lost.total_seconds():.1f} s lost (the log was shipped that long before), RTO {done.seconds:.1f} s")
    # What was lost is in the landing still: the next night makes it good, on the restored server.
    deliver_again(story, restored)
    assert read_content(restored) == story.contents["not shipped"][0]


def deliver_again(story: Story, restored: Warehouse) -> None:
    os.rename(story.home / "landing", restored.settings.landing)
    take_in(restored)
    os.rename(restored.settings.landing, story.home / "landing")


def test_the_state_of_a_moment_comes_back_and_nothing_after_it(story: Story, new_home: Path) -> None:
    done = restore(story.folder, new_home, make_key(story.key), story.moments["after the backup"], quiet)
    restored = open_warehouse(new_home)
    assert (read_content(restored), read_marts(restored)) == story.contents["after the backup"]
    assert story.contents["after the backup"] != story.contents["shipped"]
    require_laws(restored)
    # Who was erased after that moment is on the list all the same, to be erased again.
    assert done.erasures == 1
    with restored.connect("admin") as connection:
        assert connection.execute("select customer_id from meta.erasures").fetchall() == [("gone",)]
    # The restored warehouse is an ordinary one: it is backed up again.
    assert (back_up(restored, new_home.parent / "again", make_key(story.key), quiet) / "manifest.json").exists()
    print(f"point in time: RTO {done.seconds:.1f} s")


def test_a_moment_that_the_log_does_not_reach_is_refused(story: Story, new_home: Path) -> None:
    with pytest.raises(WarehouseError, match="The log ends before that moment"):
        restore(story.folder, new_home, make_key(story.key), story.lost_at + dt.timedelta(hours=1), quiet)
    assert not new_home.exists()


def test_a_moment_that_the_log_does_not_reach_is_refused_where_it_ends_while_the_server_starts(
    story: Story, new_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure = EmbeddedServer.ensure

    def look_too_late(server: EmbeddedServer) -> str:
        """As pg_ctl, which looks ten times a second, where the server let somebody in for less than that."""
        ensure(server)
        deadline = time.monotonic() + 60
        while server.port is not None:
            assert time.monotonic() < deadline
        raise WarehouseError("pg_ctl failed", remedy="")

    monkeypatch.setattr(EmbeddedServer, "ensure", look_too_late)
    with pytest.raises(WarehouseError, match="The log ends before that moment"):
        restore(story.folder, new_home, make_key(story.key), story.lost_at + dt.timedelta(hours=1), quiet)
    assert not new_home.exists()


def test_a_moment_before_the_first_backup_and_a_home_in_use_are_refused(story: Story, new_home: Path) -> None:
    key = make_key(story.key)
    (_, manifest), *_ = read_manifests(story.folder)
    with pytest.raises(WarehouseError, match="no complete backup"):
        restore(story.folder, new_home, key, manifest.ended - dt.timedelta(hours=1), quiet)
    with pytest.raises(WarehouseError, match="is not empty"):
        restore(story.folder, story.home, key, None, quiet)


def test_another_key_brings_nothing_back(story: Story, new_home: Path, tmp_path: Path) -> None:
    with pytest.raises(SealError):
        restore(story.folder, new_home, make_key(tmp_path / "other.key"), None, quiet)


def test_a_stored_file_that_is_damaged_in_the_backup_keeps_nothing_else_from_coming_back(
    story: Story, new_home: Path, tmp_path: Path
) -> None:
    """Every backup shares the stored files: there is no other to take."""
    copy = tmp_path / "copy"
    shutil.copytree(story.folder, copy)
    manifest = json.loads((story.home / "landing" / "96" / "2025-09-28" / "r1" / "datapackage.json").read_text())
    (sent,) = [resource["hash"] for resource in manifest["resources"] if resource["name"] == "loan_book"]
    name = sent.removeprefix("sha256:")
    damaged = copy / "store" / f"{name}.sealed"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    said: list[str] = []
    restore(copy, new_home, make_key(story.key), None, said.append)
    restored = open_warehouse(new_home)
    assert read_content(restored) == story.contents["shipped"][0]
    assert f"THE STORED FILE {name} IS DAMAGED in the backup, and has not come back" in said
    assert [result.violations for result in check_laws(restored) if not result.holds] == [
        [f"stored file {name}: the store has lost it, or its bytes have changed."]
    ]


def test_backups_older_than_35_days_go_and_the_newest_stays(story: Story, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(story.folder, copy)
    (base, manifest), *_ = read_manifests(copy)
    older = copy / "base" / "20000101T000000.000000Z"
    shutil.copytree(base, older)
    begun = replace(manifest, ended_at="2000-01-01T00:00:00+00:00", first_segment="000000010000000000000000")
    (older / "manifest.json").write_text(json.dumps(asdict(begun)))
    for name in ("000000010000000000000000", "00000002.history"):
        (copy / "wal" / f"{name}.sealed").touch()
    (copy / "store-left").mkdir()
    for name, moment in (("old", 0), ("young", time.time())):
        (copy / "store-left" / f"{name}.sealed").touch()
        os.utime(copy / "store-left" / f"{name}.sealed", (moment, moment))
    cut_off = copy / "base" / "20000102T000000.000000Z"
    (cut_off / "base.tar.gz.sealed").parent.mkdir()
    for file in (cut_off / "base.tar.gz.sealed", copy / "store" / ".part.sealed.1"):
        file.touch()
        os.utime(file, (0, 0))
    expire(copy, manifest.ended - dt.timedelta(days=35), quiet)
    assert [path for path, _ in read_manifests(copy)] == [base]
    assert sorted(path.name for path in (copy / "base").iterdir()) == [base.name]
    assert not (copy / "store" / ".part.sealed.1").exists()
    assert not (copy / "wal" / "000000010000000000000000.sealed").exists()
    assert (copy / "wal" / f"{manifest.first_segment}.sealed").exists()
    assert (copy / "wal" / "00000002.history.sealed").exists()
    assert [path.name for path in (copy / "store-left").iterdir()] == ["young.sealed"]
    expire(copy, dt.datetime.now(dt.UTC) + dt.timedelta(days=1), quiet)
    assert [path for path, _ in read_manifests(copy)] == [base]


def test_nobody_reads_a_person_in_a_backup(story: Story) -> None:
    person = first_delivery("96").rows["customers"][0]
    words = [str(person[name]).encode() for name in ("full_name", "national_id", "phone") if person[name]]
    files = [path for path in story.folder.rglob("*") if path.is_file()]
    assert len(files) > 10
    for path in files:
        content = path.read_bytes()
        assert path.name == "manifest.json" or content.startswith(b"VBSPSEA1"), path
        assert not any(word in content for word in words), path


def test_the_figures_come_back_from_the_stored_bytes_alone(story: Story, new_home: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipeline", "rebuild", "--store", str(story.home / "store"), "--landing", str(tmp_path / "landing")]  # fmt: skip
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("Laid 4 deliveries out"), done
    started = time.monotonic()
    rebuilt = open_warehouse(new_home)
    os.rename(tmp_path / "landing" / "1", rebuilt.settings.landing)
    take_in(rebuilt)
    build(rebuilt)
    assert (read_content(rebuilt), read_marts(rebuilt)) == story.contents["not shipped"]
    require_laws(rebuilt)
    print(f"rebuilt from the store in {time.monotonic() - started:.1f} s")
