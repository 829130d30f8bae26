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
    """Begin to import Great Expectations in a thread: that takes seconds, which nobody notices while a delivery is loaded.

    What goes wrong in it goes wrong again in `validate`, and is told there.
    """
    if RUNNER not in sys.modules:
        threading.Thread(target=_try_to_import, name="import Great Expectations").start()


def _try_to_import() -> None:
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
