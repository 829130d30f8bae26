"""A reader that never stops looking, and remembers every state that it has seen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

import psycopg

from tests.faults.waiting import wait_until
from tests.faults.witness import read_content_on
from warehouse.connect import Connection, Warehouse


class ConstantReader:
    """Reads everything visible, snapshot after snapshot, until the block ends."""

    def __init__(self, warehouse: Warehouse, read: Callable[[Connection], Any] = read_content_on) -> None:
        self.warehouse, self.read = warehouse, read
        self.seen: list[Any] = []
        self.error: BaseException | None = None
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._read)

    def __enter__(self) -> ConstantReader:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopped.set()
        self.thread.join()
        if self.error:
            raise self.error

    def _read(self) -> None:
        try:
            with self.warehouse.connect("admin") as connection:
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                connection.read_only = True
                while not self.stopped.is_set():
                    self.seen.append(self.read(connection))
                    connection.rollback()
        except BaseException as error:
            self.error = error

    def wait_for(self, state: Any) -> None:
        """Return once `state` is what is seen; fail at once when reading has ended by an error."""
        wait_until(lambda: self.seen[-1:] == [state], lambda: self.error is not None)

    def states(self) -> list[Any]:
        """The states seen, each once, in the order in which they came."""
        return [state for place, state in enumerate(self.seen) if state not in self.seen[:place]]
