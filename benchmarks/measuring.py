"""Seconds, processor seconds and peak memory of a piece of work in a process of its own."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
REAPING_SECONDS = 1.0
"""After a connection is closed the server takes a moment to account for the process that served it."""


@dataclass(frozen=True)
class Figure:
    """Wall seconds, the peak of the process's resident memory in MiB, and its processor seconds."""

    seconds: float
    peak_mib: float
    cpu_seconds: float = 0.0


class ServerClock:
    """Processor seconds of a PostgreSQL server with all its processes, from the id of the first one. Linux only."""

    def __init__(self, data: Path) -> None:
        self.first = int((data / "postmaster.pid").read_text().split()[0])

    def seconds(self) -> float:
        """Return the seconds used so far."""
        time.sleep(REAPING_SECONDS)
        own = _read_times(self.first)
        assert own is not None
        return sum(own[1]) + sum(sum(times[:2]) for _, times in self._living())

    def processes(self) -> list[int]:
        """Return the ids of all its processes, the first one first: it hands on to others what it is given."""
        return [self.first, *(process for process, _ in self._living())]

    def _living(self) -> Iterator[tuple[int, list[float]]]:
        for process in (int(name) for name in os.listdir("/proc") if name.isdigit()):
            found = _read_times(process)
            if found and found[0] == self.first:
                yield process, found[1]


@contextmanager
def one_core(server: ServerClock) -> Iterator[None]:
    """Confine this process, what it starts, and the server to one core. Linux only."""
    cores = os.sched_getaffinity(0)
    try:
        _confine(server, {min(cores)})
        yield
    finally:
        _confine(server, cores)


def _confine(server: ServerClock, cores: set[int]) -> None:
    for process in [os.getpid(), *server.processes()]:
        with suppress(ProcessLookupError):  # it has just ended
            os.sched_setaffinity(process, cores)


def _read_times(process: int) -> tuple[int, list[float]] | None:
    """The parent of a process and its seconds: user, system, and those of its ended children."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return int(fields[1]), [int(value) / TICKS for value in fields[11:15]]


def measure_process(arguments: list[str], environment: dict[str, str] | None = None) -> Figure:
    """Run a command and measure it; RuntimeError when it fails."""
    started = time.monotonic()
    process = subprocess.Popen(
        arguments,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    if status:
        raise RuntimeError(f"{arguments[0]} failed ({os.waitstatus_to_exitcode(status)}): {output.decode()[-2000:]}")
    return Figure(seconds, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime)


def measure_function(module: str, function: str, *arguments: str) -> Figure:
    """Measure `module.function(*arguments)` in a new Python process, without its start and, where there is
    one, `module.prepare()`."""
    code = f"from benchmarks.measuring import run_one; run_one({module!r}, {function!r}, {list(arguments)!r})"
    output = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE).stdout
    return Figure(**json.loads(output.splitlines()[-1]))


def run_one(module: str, function: str, arguments: list[str]) -> None:
    """Run in the measured process: print its figure as JSON."""
    import importlib  # noqa: PLC0415

    home = importlib.import_module(module)
    prepare: Callable[[], object] = getattr(home, "prepare", lambda: None)
    prepare()
    work: Callable[..., object] = getattr(home, function)
    before, started = _own_seconds(), time.monotonic()
    work(*arguments)
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "cpu_seconds": _own_seconds() - before, "peak_mib": peak}))


def _own_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
