"""Seconds and peak memory of a piece of work in a process of its own."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """Wall seconds and the peak resident memory of the process in MiB."""

    seconds: float
    peak_mib: float


def measure_process(
    arguments: list[str], environment: dict[str, str] | None = None, stdin: Path | None = None
) -> Figure:
    """Run a command and measure it; RuntimeError when it fails."""
    started = time.monotonic()
    with (stdin or Path(os.devnull)).open("rb") as source:
        process = subprocess.Popen(
            arguments,
            env={**os.environ, **(environment or {})},
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read()
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    if status:
        raise RuntimeError(f"{arguments[0]} failed ({os.waitstatus_to_exitcode(status)}): {errors.decode()[-2000:]}")
    return Figure(seconds, usage.ru_maxrss / 1024)


def measure_function(module: str, function: str, *arguments: str) -> Figure:
    """Measure `module.function(*arguments)` in a new Python process, without the time that imports take."""
    code = f"from benchmarks.measuring import run_one; run_one({module!r}, {function!r}, {list(arguments)!r})"
    output = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE).stdout
    return Figure(**json.loads(output.splitlines()[-1]))


def run_one(module: str, function: str, arguments: list[str]) -> None:
    """Run in the measured process: print its figure as JSON."""
    import importlib  # noqa: PLC0415

    work: Callable[..., object] = getattr(importlib.import_module(module), function)
    started = time.monotonic()
    work(*arguments)
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mib": peak}))
