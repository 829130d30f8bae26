"""A warehouse made again from its backup: the last state, or that of a moment; in a home of its own."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import shutil
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import psycopg

from contract.errors import WarehouseError
from warehouse.backup import Manifest, Progress, read_manifests
from warehouse.log_gaps import find_gap
from warehouse.sealed import SealError, open_sealed, unseal
from warehouse.server import EmbeddedServer, service_user

PATIENCE = 3600.0
"""Seconds that replaying the log may take."""
ENDED_EARLY = "recovery ended before configured recovery target was reached"
SETTINGS = ("restore_command", "recovery_target_time", "recovery_target_action", "recovery_target_timeline")


@dataclass(frozen=True)
class Restored:
    """What was restored: from which base backup, the last commit replayed (None: none), erasures to repeat, seconds."""

    base: Path
    last_commit: dt.datetime | None
    erasures: int
    seconds: float


@dataclass(frozen=True)
class _Source:
    """A base backup, chosen for a moment, in the folder of all backups."""

    folder: Path
    base: Path
    manifest: Manifest
    key: bytes
    moment: dt.datetime | None


def restore(folder: Path, home: Path, key: bytes, moment: dt.datetime | None, progress: Progress) -> Restored:
    """Make the warehouse of a backup again in `home`, which must be empty, and leave its server running.

    With `moment` (with a time zone) everything that was committed until then is there and nothing after it; without, all
    that was shipped. Errors: WarehouseError (no backup, not empty, the log does not reach so far), SealError.
    """
    source = _Source(folder, *_choose(folder, moment), key, moment)
    server = EmbeddedServer(home)
    if home.exists() and any(home.iterdir()):
        raise WarehouseError(f"{home} is not empty", remedy="Name a new folder, or move this one away first.")
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        server.place(is_new=True)
    except WarehouseError:
        shutil.rmtree(home)
        raise
    try:
        return _restore_into(server, source, progress)
    except BaseException:
        # Half a warehouse looks like one.
        server.destroy()
        raise


def _restore_into(server: EmbeddedServer, source: _Source, progress: Progress) -> Restored:
    folder, base, key = source.folder, source.base, source.key
    started = time.monotonic()
    _unpack(base, "home.tar.gz", server.home, key)
    data = server.data
    _unpack(base, "base.tar.gz", data, key)
    progress(f"base backup of {source.manifest.ended_at}: {time.monotonic() - started:.1f} s")
    spool = data.parent / "recovery"
    try:
        _lay_out_log(folder, spool, source.manifest, key)
        _ask_for_recovery(data, spool, source)
        last_commit = _recover(server)
    except (psycopg.OperationalError, WarehouseError) as error:
        # A short log ends before anybody is let in: then it is the start that failed.
        if isinstance(error, WarehouseError) and not _has_ended_early(data):
            raise
        raise WarehouseError(
            "The log ends before that moment, or is damaged",
            remedy=f"Name an earlier moment, or none for the last state. The newest log is of {_newest_log(folder)}.",
        ) from error
    finally:
        shutil.rmtree(spool, ignore_errors=True)
    progress(f"log replayed: {time.monotonic() - started:.1f} s")
    if gap := find_gap(folder, source.manifest.first_segment):
        progress(f"THE LOG LACKS {gap}: nothing that was committed from there on has come back")
    count, damaged = _restore_store(folder, server.home / "store", key)
    progress(f"store: {count} files, {time.monotonic() - started:.1f} s")
    for name in damaged:
        progress(f"THE STORED FILE {name} IS DAMAGED in the backup, and has not come back")
    erasures = _take_over_erasures(server, folder, key)
    return Restored(base, last_commit, erasures, time.monotonic() - started)


def _choose(folder: Path, moment: dt.datetime | None) -> tuple[Path, Manifest]:
    """The newest complete base backup that had ended by `moment`."""
    found = [
        (path, manifest) for path, manifest in read_manifests(folder) if moment is None or manifest.ended <= moment
    ]
    if not found:
        when = f" from before {moment.isoformat()}" if moment else ""
        raise WarehouseError(f"There is no complete backup{when} in {folder}", remedy="Name another folder or moment.")
    return found[-1]


class _Stream(io.RawIOBase):
    """Chunks, read as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        if not self._rest:
            self._rest = next(self._chunks, b"")
        taken = self._rest[: len(view)]
        view[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)


def _unpack(base: Path, name: str, target: Path, key: bytes) -> None:
    chunks = open_sealed(base / f"{name}.sealed", name, key)
    with tarfile.open(fileobj=io.BufferedReader(_Stream(chunks)), mode="r|gz") as tar:
        tar.extractall(target, filter="tar")
    for _ in chunks:  # to the end: only the last chunk proves that none is missing
        pass


def _lay_out_log(folder: Path, spool: Path, manifest: Manifest, key: bytes) -> None:
    spool.mkdir(mode=0o700)
    for file in sorted((folder / "wal").glob("*.sealed")):
        name = file.name.removesuffix(".sealed")
        if name.endswith(".history") or name[8:24] >= manifest.first_segment[8:24]:
            unseal(file, spool / name, name, key)


def _ask_for_recovery(data: Path, spool: Path, source: _Source) -> None:
    lines = [f'restore_command = \'cp "{spool}/%f" "%p"\'']
    if source.moment:
        # A line that began when somebody went back to a moment knows nothing of what had happened after it on the base's own.
        line = int(source.manifest.first_segment[:8], 16)
        lines += [
            f"recovery_target_time = '{source.moment.isoformat()}'",
            "recovery_target_action = 'promote'",
            f"recovery_target_timeline = '{line}'",
        ]
    with (data / "postgresql.auto.conf").open("a") as file:
        file.write("\n".join([*lines, ""]))
    (data / "recovery.signal").touch()
    user = service_user()
    for root in (data, spool):
        for path in [root, *root.rglob("*")] if user else []:
            assert user is not None
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    data.chmod(0o700)


def _has_ended_early(data: Path) -> bool:
    """True where PostgreSQL's own log, which goes with the home, says that recovery did not come to its moment."""
    return any(ENDED_EARLY in file.read_text(errors="replace") for file in data.glob("log/*.log"))


def _newest_log(folder: Path) -> str:
    shipped = max((file.stat().st_mtime for file in (folder / "wal").glob("*.sealed")), default=0.0)
    return dt.datetime.fromtimestamp(shipped, dt.UTC).isoformat(timespec="seconds")


def _recover(server: EmbeddedServer) -> dt.datetime | None:
    """Start the server, wait until the log is replayed, and make it an ordinary one; return the last commit's time."""
    deadline = time.monotonic() + PATIENCE
    with psycopg.connect(server.ensure(), autocommit=True) as connection:
        while connection.execute("select pg_is_in_recovery()").fetchone() == (True,):
            if time.monotonic() > deadline:
                raise WarehouseError("The log is not replayed yet", remedy=f"See {server.data}/log; it goes on.")
            time.sleep(0.2)
        row = connection.execute("select pg_last_xact_replay_timestamp()").fetchone()
        for name in SETTINGS:
            connection.execute(f"alter system reset {name}")
        connection.execute("select pg_reload_conf()")
    return row[0] if row else None


def _take_over_erasures(server: EmbeddedServer, folder: Path, key: bytes) -> int:
    """Put on the list whoever was erased after the state that was restored; return how many stand on it."""
    rows = json.loads(b"".join(open_sealed(folder / "erasures.sealed", "erasures", key)))
    with psycopg.connect(server.url) as connection:
        for row in rows:
            connection.execute(
                "insert into meta.erasures (customer_id, erased_at, erased_by, reason) values (%s, %s, %s, %s) "
                "on conflict do nothing",
                row,
            )
    return len(rows)


def _restore_store(folder: Path, store: Path, key: bytes) -> tuple[int, list[str]]:
    """Return how many files came back, and those that are not what was sealed: no other backup has them either."""
    count = 0
    damaged = []
    # A backup from before the notes were kept has none.
    if (folder / "replaced.sealed").exists():
        (store / "erased").mkdir(parents=True, exist_ok=True)
        for sha256, newer in json.loads(b"".join(open_sealed(folder / "replaced.sealed", "replaced", key))).items():
            (store / "erased" / sha256).write_text(newer)
    for file in folder.glob("store*/*.sealed"):
        name = file.name.removesuffix(".sealed")
        target = store / "sha256" / name[:2] / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            unseal(file, target, name, key)
        except SealError:
            damaged.append(name)
            continue
        target.chmod(0o440)
        count += 1
    return count, damaged
