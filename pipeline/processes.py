"""Background processes with a pid file and a log file each: started, found again, and stopped with all their children.

A pid file holds `pid start_time`, so a number that the kernel has given to another process is never taken for ours.
Linux only (`/proc`).
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
# Python warns of a child that is forgotten while it runs.
_started: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class Process:
    """One process of this machine; `started` (clock ticks since boot) tells it from a later one of the same pid."""

    pid: int
    started: int

    def is_alive(self) -> bool:
        """Return whether it still runs; a zombie does not."""
        found = _read_stat(self.pid)
        return found is not None and found.started == self.started and found.state != "Z"

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send it a signal, unless it has ended."""
        if self.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


@dataclass(frozen=True)
class Service:
    """A program kept running in the background, known by `name`, with its files in `folder`."""

    name: str
    folder: Path

    @property
    def log(self) -> Path:
        """The file that holds what the program prints."""
        return self.folder / f"{self.name}.log"

    @property
    def pid_file(self) -> Path:
        return self.folder / f"{self.name}.pid"

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> Process:
        """Start the program as the leader of a session of its own, so that its children can be found by it.

        What a killed leader has left is ended first: afterwards nobody would know it any more.
        """
        stop([self], patience=0)
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                start_new_session=True,
            )
        _started.append(child)
        found = _read_stat(child.pid)
        started = found.started if found else 0
        self.pid_file.write_text(f"{child.pid} {started}\n")
        return Process(child.pid, started)

    def recorded(self) -> Process | None:
        """Return the process that the pid file names, alive or not."""
        try:
            pid, started = self.pid_file.read_text().split()
            return Process(int(pid), int(started))
        except (FileNotFoundError, ValueError):
            return None

    def is_running(self) -> bool:
        process = self.recorded()
        return process is not None and process.is_alive()

    def members(self) -> set[Process]:
        """Return the living processes of the service: the leader and everything in its session or below it."""
        leader = self.recorded()
        if leader is None:
            return set()
        stats = list(_all_stats())
        # After the leader's death its pid may be another's; a session of that number is then not ours unless
        # it is older than that other process.
        stranger = next((s for s in stats if s.pid == leader.pid and s.started != leader.started), None)
        if stranger is not None:
            return set()
        ours = {leader.pid} | {s.pid for s in stats if s.session == leader.pid}
        growing = True
        while growing:
            below = {s.pid for s in stats if s.parent in ours} - ours
            ours |= below
            growing = bool(below)
        return {Process(s.pid, s.started) for s in stats if s.pid in ours and s.state != "Z"}

    def last_lines(self, count: int = 15) -> str:
        """Return the end of the log."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])
        except FileNotFoundError:
            return ""


def stop(services: Iterable[Service], *, patience: float) -> None:
    """Ask the services to end, wait up to `patience` seconds, then end whatever is left, children included."""
    services = list(services)
    known: set[Process] = set()
    for service in services:
        known |= service.members()
        leader = service.recorded()
        if leader is not None and leader.is_alive():
            leader.kill(signal.SIGTERM)
    wait_until_gone(known, patience)
    for service in services:
        known |= service.members()
    # Not SIGTERM again: whoever ignored one has had its time, and a night may be cut anywhere without harm.
    for process in known:
        process.kill()
    wait_until_gone(known, 10)
    for service in services:
        service.pid_file.unlink(missing_ok=True)


def wait_until_gone(processes: Iterable[Process], patience: float) -> bool:
    """Wait up to `patience` seconds until none is alive; return whether that is so."""
    deadline = time.monotonic() + patience
    waiting = set(processes)
    while waiting:
        for process in waiting:
            # Our own children stay zombies until somebody takes note of their end.
            with contextlib.suppress(ChildProcessError):
                os.waitpid(process.pid, os.WNOHANG)
        waiting = {process for process in waiting if process.is_alive()}
        if not waiting or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    return not waiting


def end_with_parent() -> None:
    """End this worker of a multiprocessing parent when that is killed: it would wait for more work for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end, name="end with the parent", daemon=True).start()


@dataclass(frozen=True)
class _Stat:
    pid: int
    state: str
    parent: int
    session: int
    started: int


def _read_stat(pid: int) -> _Stat | None:
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # pid (name, which may hold anything) state parent group session ... 22nd: start time
    fields = text.rpartition(")")[2].split()
    return _Stat(pid, fields[0], int(fields[1]), int(fields[3]), int(fields[19]))


def _all_stats() -> Iterable[_Stat]:
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (found := _read_stat(int(entry.name))):
            yield found
