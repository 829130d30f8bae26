"""dbt in a process of its own, started while a night is at work on its deliveries.

To import dbt and parse the project takes seconds of Python, and so does Great Expectations: in one process these two and the
load would wait for each other. A night that is killed takes its dbt with it, and no orphan goes on writing rows.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import signal
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Any

from contract.errors import WarehouseError, describe_failure
from expectations import import_ahead
from pipeline import transform
from pipeline.processes import end_with_parent
from warehouse.connect import Warehouse


class DbtAhead:
    """dbt for the marts of a night: in a process of its own once `start` has been called, else in this one.

    The process ends with the context, by itself; one that is interrupted at its work is killed.
    """

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.process: SpawnProcess | None = None
        self.pipe: Pipe | None = None

    def __enter__(self) -> DbtAhead:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self.pipe is not None:
            self.pipe.close()

    def start(self) -> None:
        """Start dbt's process, and import what validation and Data Docs need in this one; neither is waited for.

        What goes wrong here goes wrong again where it is needed, and is told there.
        """
        spawn = multiprocessing.get_context("spawn")
        self.pipe, other = spawn.Pipe()
        process = spawn.Process(target=_serve, args=(other, self.warehouse), name="dbt")
        process.start()
        self.process = process
        other.close()
        import_ahead()

    def build_areas(
        self,
        warehouse: Warehouse,
        areas: Sequence[str],
        parts: Sequence[str] | None,
        running_build: Mapping[str, Any],
        progress: transform.Progress | None = None,
    ) -> None:
        """See `transform.build_areas`."""
        if self.process is None or self.pipe is None:
            return transform.build_areas(warehouse, areas, parts, running_build, progress)
        try:
            with _alive():
                self.pipe.send((areas, parts, running_build))
                answer = self.pipe.recv()
            while isinstance(answer, str):
                if progress:
                    progress(answer)
                with _alive():
                    answer = self.pipe.recv()
        except BaseException:
            self.process.kill()
            self.process = None
            raise
        if answer is not None:
            raise answer
        return None


@contextlib.contextmanager
def _alive() -> Iterator[None]:
    """Say it in words when the other end of the pipe has gone."""
    try:
        yield
    except (EOFError, ConnectionError) as error:
        raise WarehouseError(
            "The process in which dbt made the marts was killed, perhaps for want of memory",
            remedy="What readers see has not changed; run the night again.",
        ) from error


def _serve(pipe: Pipe, warehouse: Warehouse) -> None:
    """Parse the project, then build what is asked for: every line of progress is sent, then None or the error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the night, and this process ends with it
    end_with_parent()
    with contextlib.suppress(Exception):
        transform.parse_project(warehouse)
    with contextlib.suppress(EOFError):
        while True:
            areas, parts, running_build = pipe.recv()
            pipe.send(_build(pipe, warehouse, areas, parts, running_build))
    gc.freeze()  # to look through all of dbt's objects once more at exit takes a second


def _build(
    pipe: Pipe,
    warehouse: Warehouse,
    areas: Sequence[str],
    parts: Sequence[str] | None,
    running_build: Mapping[str, Any],
) -> Exception | None:
    try:
        transform.build_areas(warehouse, areas, parts, running_build, pipe.send)
    except WarehouseError as error:
        return error
    except Exception as error:
        return WarehouseError(
            f"dbt could not run: {describe_failure(error)}",
            remedy="Run the night again; nothing that readers see has changed.",
        )
    return None
