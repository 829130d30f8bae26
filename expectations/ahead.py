"""Import in a thread what takes seconds to import, while a delivery is loaded."""

from __future__ import annotations

import contextlib
import gc
import importlib
import sys
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any

RUNNER = "expectations.gx_runner"
UNUSED = ("altair", "scipy.stats")
"""What Great Expectations imports for expectations about distributions: a third of its time, and we have none of these."""


def import_ahead() -> None:
    """Begin to import Great Expectations in a thread: that takes seconds, which nobody notices while a delivery is loaded."""
    if RUNNER not in sys.modules:
        threading.Thread(target=_try_to_import, name="import Great Expectations").start()


def _try_to_import() -> None:
    """Import Great Expectations. What goes wrong in it goes wrong again in `validate`, and is told there."""
    with contextlib.suppress(Exception), without_collecting():
        importlib.import_module(RUNNER)


@contextlib.contextmanager
def putting_off(*names: str) -> Iterator[None]:
    """Import these modules not now but when something in them is first asked for."""
    stand_ins = {name: _stand_in(name) for name in names if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name, stand_in in stand_ins.items():
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]


def _stand_in(name: str) -> ModuleType:
    def find(attribute: str) -> Any:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        return getattr(importlib.import_module(name), attribute)

    stand_in = ModuleType(name)
    stand_in.__getattr__ = find  # type: ignore[method-assign]
    return stand_in


@contextlib.contextmanager
def without_collecting() -> Iterator[None]:
    """Import with Python's garbage collector off: it would look a dozen times through objects that all stay, a fifth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
