"""The disk is full: the store's, or PostgreSQL's in the middle of a load. Nothing half is seen, and room mends it."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.conftest import Scene, read_entries, require_laws, require_recovery
from tests.faults.nights import running
from tests.faults.witness import read_content
from warehouse.connect import Warehouse
from warehouse.server import EmbeddedServer


class Disk:
    """A small file system in memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256m,mode=755", "tmpfs", path], check=True, capture_output=True
        )

    def leave(self, room: int) -> None:
        """Leave `room` bytes free."""
        used = shutil.disk_usage(self.path).used
        subprocess.run(["mount", "-o", f"remount,size={used + room}", self.path], check=True)

    def remove(self) -> None:
        subprocess.run(["umount", "--lazy", self.path], check=True)


@pytest.fixture
def disk() -> Iterator[Disk]:
    """A disk that can be made full. Needs the right to mount; without it the tests that use it are skipped."""
    # Where PostgreSQL can reach it: not below pytest's own folder.
    path = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="small-disk-"))
    path.chmod(0o755)
    try:
        made = Disk(path)
    except (OSError, subprocess.CalledProcessError):
        path.rmdir()
        pytest.skip("NOT TESTED: a full disk, for this process may not mount a tmpfs (run as root)")
    yield made
    made.remove()
    path.rmdir()


def require_failed_night(warehouse: Warehouse, **options: object) -> None:
    with running(warehouse, {"PYTHONDONTWRITEBYTECODE": "1"}, **options) as night:
        assert night.wait(120) == 1


def require_unchanged(scene: Scene, warehouse: Warehouse) -> None:
    assert read_content(warehouse) == scene.before
    require_laws(warehouse)


def test_a_store_that_takes_no_more_bytes(scene: Scene, disturbed: Warehouse) -> None:
    def forbid_writing() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))

    require_failed_night(disturbed, preexec_fn=forbid_writing)
    require_unchanged(scene, disturbed)
    assert not list(disturbed.settings.store.glob("incoming-*")), "half a file was left in the store"
    require_recovery(scene, disturbed)
    assert read_entries(disturbed) == scene.entries_after


def test_a_store_on_a_full_disk(scene: Scene, disturbed: Warehouse, disk: Disk) -> None:
    store = disk.path / "store"
    shutil.copytree(disturbed.settings.store, store)
    moved = replace(disturbed, settings=replace(disturbed.settings, store=store))
    disk.leave(8 << 10)
    require_failed_night(moved)
    require_unchanged(scene, moved)
    assert not list(store.glob("incoming-*")), "half a file was left in the store"
    disk.leave(64 << 20)
    require_recovery(scene, moved)
    assert read_entries(moved) == scene.entries_after


def test_a_database_on_a_full_disk(scene: Scene, disturbed: Warehouse, disk: Disk) -> None:
    place = disk.path / "tablespace"
    place.mkdir()
    owner = EmbeddedServer(scene.server.settings.home).data.stat()
    os.chown(place, owner.st_uid, owner.st_gid)
    database = disturbed.admin_url.rpartition("/")[2]
    with scene.server.connect("admin", autocommit=True) as connection:
        connection.execute(f"create tablespace {database} location '{place}'")
        connection.execute(f"alter database {database} set tablespace {database}")
        try:
            disk.leave(64 << 10)
            require_failed_night(disturbed)
            # Without any room PostgreSQL may refuse even a connection: it keeps a cache of the catalogue in a file.
            disk.leave(128 << 20)
            require_unchanged(scene, disturbed)
            require_recovery(scene, disturbed)
            assert read_entries(disturbed) == scene.entries_after
        finally:
            connection.execute(f"alter database {database} set tablespace pg_default")
            connection.execute(f"drop tablespace {database}")
