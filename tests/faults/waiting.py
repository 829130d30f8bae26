"""Waiting for something to happen, never for time to pass."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

PATIENCE = 120.0


def wait_until(happened: Callable[[], bool], given_up: Callable[[], bool] = lambda: False) -> None:
    """Return when `happened`; fail when it is `given_up` or after two minutes."""
    deadline = time.monotonic() + PATIENCE
    tick = threading.Event()
    while not happened():
        assert not given_up(), "it ended before that happened"
        assert time.monotonic() < deadline, "it did not happen"
        tick.wait(0.01)
