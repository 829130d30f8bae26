"""The log that follows a backup: shipped by two at once, to a full disk, to the wrong folder."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from contract.errors import WarehouseError
from ingestion.store import Store
from pipeline.cli import main
from warehouse import backup
from warehouse.backup import back_up, read_manifests, require_backup, require_whole_log, ship
from warehouse.connect import Warehouse, open_warehouse
from warehouse.log_gaps import find_gap
from warehouse.sealed import make_key, unseal
from warehouse.server import EmbeddedServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]


def quiet(_: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A warehouse on a server of its own: a slot is the whole server's."""
    home = tmp_path_factory.mktemp("shipping") / "home"
    try:
        yield open_warehouse(home)
    finally:
        EmbeddedServer(home).destroy()


@pytest.fixture
def key(tmp_path: Path) -> bytes:
    return make_key(tmp_path / "vault" / "backup.key")


def commit(warehouse: Warehouse) -> None:
    with warehouse.connect("admin", autocommit=True) as connection:
        connection.execute("create table if not exists public.written (n int)")
        connection.execute("insert into public.written select generate_series(1, 1000)")


def test_two_at_once_wait_for_each_other(own: Warehouse, tmp_path: Path, key: bytes) -> None:
    back_up(own, tmp_path / "backups", key, quiet)
    commit(own)
    with ThreadPoolExecutor() as pool:
        assert all(pool.map(lambda _: ship(own, tmp_path / "backups", key, quiet), range(4)))
    require_whole_log(tmp_path / "backups")


def test_log_that_could_not_be_sealed_is_sealed_the_next_time(own: Warehouse, tmp_path: Path, key: bytes) -> None:
    folder = tmp_path / "backups"
    back_up(own, folder, key, quiet)
    (folder / "wal").rename(folder / "aside")
    (folder / "wal").touch()
    for _ in range(2):
        commit(own)
        with pytest.raises(OSError, match="wal"):
            ship(own, folder, key, quiet)
    (folder / "wal").unlink()
    (folder / "aside").rename(folder / "wal")
    ship(own, folder, key, quiet)
    require_whole_log(folder)


def test_log_that_lies_elsewhere_is_missed_until_the_next_backup(own: Warehouse, tmp_path: Path, key: bytes) -> None:
    folder = tmp_path / "backups"
    back_up(own, folder, key, quiet)
    for _ in range(2):
        commit(own)
        ship(own, folder, key, quiet)
    require_whole_log(folder)
    sorted((folder / "wal").iterdir())[-2].unlink()
    with pytest.raises(WarehouseError, match="lacks the segment"):
        require_whole_log(folder)
    back_up(own, folder, key, quiet)
    require_whole_log(folder)


def test_what_goes_away_meanwhile_stops_no_backup(
    own: Warehouse, tmp_path: Path, key: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A night puts files in their place under another name first; an erasure writes stored files again."""
    outbox = own.settings.outbox
    outbox.mkdir()
    (outbox / ".aside").touch()
    (outbox / "feedback.json").write_text("{}")
    kept = [Store(own.settings.store).keep(io.BytesIO(content)).path for content in (b"one", b"two")]
    describe, seal = tarfile.TarFile.gettarinfo, backup.seal

    def go_away(tar: tarfile.TarFile, name: Any = None, *others: Any, **named: Any) -> tarfile.TarInfo:
        if Path(name).name == ".aside":
            Path(name).unlink()
        return describe(tar, name, *others, **named)

    def seal_one(source: Any, target: Path, *others: Any) -> int:
        if target.parent.name == "store":
            for path in kept:
                if path.name not in target.name:
                    path.unlink(missing_ok=True)
        return seal(source, target, *others)

    monkeypatch.setattr(tarfile.TarFile, "gettarinfo", go_away)
    monkeypatch.setattr(backup, "seal", seal_one)
    base = back_up(own, tmp_path / "backups", key, quiet)
    assert require_backup(tmp_path / "backups")
    assert len(list((tmp_path / "backups" / "store").iterdir())) == 1
    unseal(base / "home.tar.gz.sealed", tmp_path / "home.tar.gz", "home.tar.gz", key)
    with tarfile.open(tmp_path / "home.tar.gz") as tar:
        assert {name for name in tar.getnames() if name.startswith("outbox")} == {"outbox", "outbox/feedback.json"}


def test_a_backup_that_fails_leaves_nothing_behind(own: Warehouse, tmp_path: Path, key: bytes) -> None:
    """What it had sealed would take the room that the next one needs, and hold persons for ever."""
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "wal").touch()
    with pytest.raises(OSError, match="wal"):
        back_up(own, folder, key, quiet)
    assert list((folder / "base").iterdir()) == []


def test_another_server_does_not_write_over_backups(own: Warehouse, tmp_path: Path, key: bytes) -> None:
    folder = tmp_path / "backups"
    manifest = back_up(own, folder, key, quiet) / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"system": "', '"system": "1'))
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    for attempt in (back_up, ship):
        with pytest.raises(WarehouseError, match=r"another warehouse's.*WAREHOUSE_HOME"):
            attempt(own, folder, key, quiet)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_another_key_seals_nothing_beside_backups(
    own: Warehouse, tmp_path: Path, key: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is sealed already stays as it is: half of a backup by each key would be opened by neither."""
    folder = tmp_path / "backups"
    back_up(own, folder, key, quiet)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    for attempt in (back_up, ship):
        with pytest.raises(WarehouseError, match="sealed with another key"):
            attempt(own, folder, make_key(tmp_path / "another.key"), quiet)
    assert main(["backup", "--folder", str(folder), "--key", str(tmp_path / "mislaid.key")]) == 70
    assert "There is no key in" in capsys.readouterr().err
    assert not (tmp_path / "mislaid.key").exists()
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_log_alone_is_no_backup(own: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup", "--log", "--folder", str(tmp_path / "nowhere"), "--key", str(tmp_path / "key")]) == 70
    assert "There is no backup in" in capsys.readouterr().err
    assert not (tmp_path / "key").exists()
    with pytest.raises(WarehouseError, match="WAREHOUSE_BACKUPS"):
        require_backup(tmp_path / "nowhere")


def test_a_gap_is_found_across_files_of_the_log(tmp_path: Path) -> None:
    assert read_manifests(tmp_path) == []
    (tmp_path / "wal").mkdir()
    assert find_gap(tmp_path, "0000000100000000000000FE") == "0000000100000000000000FE"
    for name in ("0000000100000000000000FD", "0000000100000000000000FE", "000000020000000100000001"):
        (tmp_path / "wal" / f"{name}.sealed").touch()
    (tmp_path / "wal" / "00000002.history.sealed").touch()
    assert find_gap(tmp_path, "0000000100000000000000FE") == "0000000100000000000000FF"
    for name in ("0000000100000000000000FF", "000000020000000100000000"):
        (tmp_path / "wal" / f"{name}.sealed").touch()
    assert find_gap(tmp_path, "0000000100000000000000FE") is None
