"""Import in a thread what takes seconds to import, while a delivery is loaded."""

from __future__ import annotations

import contextlib
import gc
import importlib
import sys
import threading
from collections.abc import Iterator

RUNNER = "expectations.gx_runner"


def import_ahead() -> None:
    """Begin to import Great Expectations in a thread: that takes seconds, which nobody notices while a delivery is loaded."""
    if RUNNER not in sys.modules:
        threading.Thread(target=try_to_import, name="import Great Expectations").start()


def try_to_import() -> None:
    """Import Great Expectations. What goes wrong in it goes wrong again in `validate`, and is told there."""
    with contextlib.suppress(Exception), without_collecting():
        importlib.import_module(RUNNER)


@contextlib.contextmanager
def without_collecting() -> Iterator[None]:
    """Import with Python's garbage collector off: it would look a dozen times through objects that all stay, a fifth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
