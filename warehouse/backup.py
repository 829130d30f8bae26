"""Backups: a base backup of the whole server, the write-ahead log after it, a logical dump, the store and the secrets.

    <folder>/base/<UTC time>/{base.tar.gz,home.tar.gz,warehouse.dump}.sealed and manifest.json (times and sizes only)
    <folder>/wal/<segment>.sealed         what was committed after a base backup
    <folder>/store/<sha256>.sealed        delivered bytes, each kept once; store-left/ what has left the store since
    <folder>/erasures.sealed              who was erased until now
    <folder>/replaced.sealed              which stored file stands for one that was written again

Everything but the manifest is sealed (warehouse/sealed.py); the key lies outside. The log is fetched over a replication
slot, so none of it is lost between two backups, however long that takes; `LOG_LIMIT` bounds what the server keeps.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from contract.errors import WarehouseError
from warehouse.connect import Warehouse
from warehouse.log_gaps import find_gap
from warehouse.sealed import SealError, open_sealed, seal

SLOT = "warehouse_backup"
LOG_LIMIT = "16GB"
SEGMENT = 16 << 20
KEPT_DAYS = 35
"""Days after which a backup is removed: an erased person is in none that is older (law 12)."""
NAME = "%Y%m%dT%H%M%S.%fZ"
"""Of a base backup's folder: its time (UTC)."""
SPOOL = "log-spool"
LEFT_OUT = ("landing", "store", "backups", SPOOL, "pgdata", "postgresql", "dbt", "airflow/logs", "airflow/services")
"""What of a warehouse's home is kept elsewhere, or made again."""
SECRETS_LEFT_OUT = ("backup.key", "data_location", "binaries_location", "server.lock")

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Manifest:
    """A base backup: when it began and ended, the first log segment that it needs, sealed bytes by file, of which server.

    `system` is PostgreSQL's own number of a server, which a restored one keeps; empty in manifests from before it was kept.
    """

    started_at: str
    ended_at: str
    first_segment: str
    server_version: int
    bytes: dict[str, int]
    system: str = ""

    @property
    def ended(self) -> dt.datetime:
        return dt.datetime.fromisoformat(self.ended_at)


def back_up(warehouse: Warehouse, folder: Path, key: bytes, progress: Progress) -> Path:
    """Make a base backup and a dump, then everything that `ship` does; return the backup's folder.

    What is older than `KEPT_DAYS` is removed. Errors: WarehouseError; what was there before stays.
    """
    system = _require_same_server(warehouse, folder)
    _require_same_key(folder, key)
    _make_slot(warehouse)
    target = folder / "base" / dt.datetime.now(dt.UTC).strftime(NAME)
    try:
        manifest = _back_up_into(target, system, warehouse, key, progress)
    except BaseException:
        # On a disk that is full, each attempt would leave less room for the next.
        shutil.rmtree(target, ignore_errors=True)
        raise
    expire(folder, manifest.ended - dt.timedelta(days=KEPT_DAYS), progress)
    return target


def _back_up_into(target: Path, system: str, warehouse: Warehouse, key: bytes, progress: Progress) -> Manifest:
    started = dt.datetime.now(dt.UTC)
    first, version = _log_position(warehouse)
    sizes = {}
    with _output(warehouse, "pg_basebackup", "-D", "-", "-Ft", "-z", "-X", "fetch", "-c", "fast") as tar:
        sizes["base.tar.gz"] = seal(tar, target / "base.tar.gz.sealed", "base.tar.gz", key)
    progress(f"base backup: {sizes['base.tar.gz']:,} bytes")
    with _output(warehouse, "pg_dump", "-Fc") as dump:
        sizes["warehouse.dump"] = seal(dump, target / "warehouse.dump.sealed", "warehouse.dump", key)
    progress(f"dump: {sizes['warehouse.dump']:,} bytes")
    with tempfile.TemporaryFile() as file:
        _pack_home(warehouse.settings.home, file)
        sizes["home.tar.gz"] = seal(cast(BinaryIO, file), target / "home.tar.gz.sealed", "home.tar.gz", key)
    ship(warehouse, target.parents[1], key, progress)
    ended = dt.datetime.now(dt.UTC)
    # Written last: a folder without a manifest is no backup.
    manifest = Manifest(started.isoformat(), ended.isoformat(), first, version, sizes, system)
    (target / "manifest.json").write_text(json.dumps(asdict(manifest), indent=2))
    return manifest


def ship(warehouse: Warehouse, folder: Path, key: bytes, progress: Progress) -> int:
    """Seal what came since the last time: stored files, erasures, and the log until now; return the log's segments."""
    _require_same_server(warehouse, folder)
    _require_same_key(folder, key)
    _make_slot(warehouse)
    with warehouse.connect("admin", autocommit=True) as connection:
        # The slot serves one at a time, and by cron a backup and a shipment may begin in the same minute.
        connection.execute("select pg_advisory_lock(hashtext('backup'))")
        row = connection.execute("select pg_switch_wal() - '0/0'::pg_lsn").fetchone()
        assert row is not None
        # After that moment: whatever delivery is in this log, its bytes are in the backup too.
        _ship_store(warehouse, folder, key, progress)
        _ship_erasures(warehouse, folder, key)
        _ship_notes(warehouse, folder, key)
        segments = _ship_log(warehouse, folder, key, -(-int(row[0]) // SEGMENT) * SEGMENT)
    progress(f"log: {segments} segments")
    return segments


def _require_same_server(warehouse: Warehouse, folder: Path) -> str:
    """Return the server's number. Errors: WarehouseError when the backups are another server's: its log has the same names."""
    with warehouse.connect("admin") as connection:
        row = connection.execute("select system_identifier::text from pg_control_system()").fetchone()
    assert row is not None
    if any(manifest.system not in ("", row[0]) for _, manifest in read_manifests(folder)):
        raise WarehouseError(
            f"The backups in {folder} are another warehouse's, and would be overwritten",
            remedy="Set WAREHOUSE_HOME to the warehouse that is meant, or WAREHOUSE_BACKUPS to a new folder.",
        )
    return str(row[0])


def _require_same_key(folder: Path, key: bytes) -> None:
    """Errors: WarehouseError when the backups are sealed with another key: neither would open all that a restore needs."""
    listed = folder / "erasures.sealed"
    try:
        for _ in open_sealed(listed, "erasures", key) if listed.exists() else ():
            pass
    except SealError as error:
        raise WarehouseError(
            f"The backups in {folder} are sealed with another key",
            remedy="Set WAREHOUSE_BACKUP_KEY to the key of these backups, or WAREHOUSE_BACKUPS to a new folder.",
        ) from error


def require_backup(folder: Path) -> Manifest:
    """Return the newest complete backup in `folder`. Errors: WarehouseError; log alone restores nothing."""
    found = read_manifests(folder)
    if not found:
        raise WarehouseError(
            f"There is no backup in {folder} that the log could follow",
            remedy="Run `make backup` first; or is WAREHOUSE_BACKUPS not set here as it is for the backups?",
        )
    return found[-1][1]


def require_whole_log(folder: Path) -> None:
    """Errors: WarehouseError when log after the newest backup lacks, such as what was shipped to another folder."""
    if gap := find_gap(folder, require_backup(folder).first_segment):
        raise WarehouseError(
            f"The log in {folder} lacks the segment {gap}: what was committed from it on would not come back",
            remedy="Run `make backup` at once: it begins a new line. Was log shipped to another folder?",
        )


def _ship_log(warehouse: Warehouse, folder: Path, key: bytes, end: int) -> int:
    # Once received, the server does not keep it: so it waits here until it is sealed, also when that fails.
    spool = warehouse.settings.home / SPOOL
    spool.mkdir(parents=True, exist_ok=True, mode=0o700)
    left = _seal_log(spool, folder, key)
    stop = f"{(end - 1) >> 32:X}/{(end - 1) & 0xFFFFFFFF:X}"
    arguments = ["-D", str(spool), "-S", SLOT, f"--endpos={stop}", "--no-loop", "--synchronous"]
    with _output(warehouse, "pg_receivewal", *arguments) as nothing:
        nothing.read()
    return left + _seal_log(spool, folder, key)


def _seal_log(spool: Path, folder: Path, key: bytes) -> int:
    count = 0
    for segment in sorted(spool.iterdir()):
        if segment.suffix != ".partial":
            with segment.open("rb") as file:
                seal(file, folder / "wal" / f"{segment.name}.sealed", segment.name, key)
            count += 1
        segment.unlink()
    return count


def _ship_store(warehouse: Warehouse, folder: Path, key: bytes, progress: Progress) -> None:
    stored = {path.name: path for path in warehouse.settings.store.glob("sha256/*/*")}
    new = {name: path for name, path in stored.items() if not (folder / "store" / f"{name}.sealed").exists()}
    for name, path in new.items():
        # An erasure may just have written it again: what stands for it is shipped the next time.
        with suppress(FileNotFoundError), path.open("rb") as file:
            seal(file, folder / "store" / f"{name}.sealed", name, key)
    for sealed in folder.glob("store/*.sealed"):
        if sealed.name.removesuffix(".sealed") not in stored:
            # An older backup still names it; its days are counted from now.
            (folder / "store-left").mkdir(exist_ok=True)
            os.utime(sealed.rename(folder / "store-left" / sealed.name))
    progress(f"store: {len(new)} new files")


def _ship_erasures(warehouse: Warehouse, folder: Path, key: bytes) -> None:
    """The newest list stands beside the backups: an older one that is restored must be told of it (law 12)."""
    with warehouse.connect("admin") as connection:
        rows = connection.execute(
            "select customer_id, erased_at::text, erased_by, reason from meta.erasures order by erased_at"
        ).fetchall()
    seal(io.BytesIO(json.dumps(rows).encode()), folder / "erasures.sealed", "erasures", key)


def _ship_notes(warehouse: Warehouse, folder: Path, key: bytes) -> None:
    """What stands for a file whose bytes are gone (ingestion/store.py): manifests go on naming it as it was sent."""
    notes = {path.name: path.read_text() for path in warehouse.settings.store.glob("erased/*") if not path.suffix}
    seal(io.BytesIO(json.dumps(notes).encode()), folder / "replaced.sealed", "replaced", key)


def expire(folder: Path, before: dt.datetime, progress: Progress) -> None:
    """Remove base backups that ended before, the log that no other needs, and what has left the store that long ago.

    So long ago goes what was cut off, too. The newest backup stays, however old it is.
    """
    found = read_manifests(folder)
    old = [path for path, manifest in found[:-1] if manifest.ended < before]
    whole = {path for path, _ in found}
    cut_off = [path for path in folder.glob("base/*") if path not in whole and path.name < f"{before:{NAME}}"]
    for path in old + cut_off:
        shutil.rmtree(path)
    kept = [manifest.first_segment for path, manifest in found if path not in old]
    for segment in folder.glob("wal/*.sealed"):
        # The first 8 digits are the timeline; the position is what counts. Histories of timelines are small, and stay.
        if ".history" in segment.name:
            continue
        if kept and segment.name[8:24] < min(first[8:24] for first in kept):
            segment.unlink()
    for file in [*folder.glob("store-left/*.sealed"), *folder.glob("*/.*.sealed.*")]:
        if file.stat().st_mtime < before.timestamp():
            file.unlink()
    if old:
        progress(f"expired: {len(old)} backups that ended before {before:%Y-%m-%d}")


def read_manifests(folder: Path) -> list[tuple[Path, Manifest]]:
    """Return the complete base backups, oldest first."""
    found = sorted((folder / "base").glob("*/manifest.json"))
    return [(path.parent, Manifest(**json.loads(path.read_text()))) for path in found]


def _make_slot(warehouse: Warehouse) -> None:
    with warehouse.connect("admin", autocommit=True) as connection:
        connection.execute(f"alter system set max_slot_wal_keep_size = '{LOG_LIMIT}'")
        connection.execute("select pg_reload_conf()")
        lost = connection.execute(
            "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %s and wal_status = 'lost'",
            [SLOT],
        ).rowcount
        connection.execute(
            "select pg_create_physical_replication_slot(%s, true) "
            "where not exists (select from pg_replication_slots where slot_name = %s)",
            [SLOT, SLOT],
        )
    if lost:
        raise WarehouseError(
            f"The log since the last backup exceeded {LOG_LIMIT} and is lost",
            remedy="Run `make backup` again at once: it begins a new line of backups.",
        )


def _log_position(warehouse: Warehouse) -> tuple[str, int]:
    with warehouse.connect("admin") as connection:
        row = connection.execute(
            "select pg_walfile_name(pg_current_wal_lsn()), current_setting('server_version_num')::int"
        ).fetchone()
    assert row is not None
    return str(row[0]), int(row[1])


def _pack_home(home: Path, target: IO[bytes]) -> None:
    def add(path: Path) -> None:
        name = str(path.relative_to(home))
        if name in (*LEFT_OUT, *SECRETS_LEFT_OUT) or name.endswith((".pid", ".lock")) or path.is_symlink():
            return
        # A night may be writing here: what goes away meanwhile needs no copy, what grows is copied as it was.
        with suppress(FileNotFoundError):
            if path.is_dir():
                tar.add(path, name, recursive=False)
                for inside in sorted(path.iterdir()):
                    add(inside)
            elif path.is_file():
                member, content = tar.gettarinfo(path, name), path.read_bytes()
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))

    with tarfile.open(fileobj=target, mode="w:gz", compresslevel=1, dereference=True) as tar:
        for path in sorted(home.iterdir()):
            add(path)
    target.seek(0)


@contextmanager
def _output(warehouse: Warehouse, program: str, *arguments: str) -> Iterator[BinaryIO]:
    """What a PostgreSQL program writes, as the administrator. Errors: WarehouseError when it fails."""
    environment: Mapping[str, str] = {**os.environ, **warehouse.libpq_environment("admin"), "LC_ALL": "C"}
    if program != "pg_dump":
        # A replication connection is to no database.
        environment = {name: value for name, value in environment.items() if name != "PGDATABASE"}
    with tempfile.TemporaryFile() as said:
        command = [warehouse.program(program), "--no-password", *arguments]
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said
        )
        assert process.stdout is not None
        try:
            yield cast(BinaryIO, process.stdout)
        except BaseException:
            process.kill()
            raise
        finally:
            process.stdout.close()
            code = process.wait()
        if code:
            said.seek(0)
            reason = said.read().decode(errors="replace").strip().splitlines()[-1:]
            raise WarehouseError(f"{program} failed: {' '.join(reason)}", remedy="Remove the cause and run it again.")
