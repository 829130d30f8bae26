"""Named points at which a process can be made to fail, for the tests of `tests/faults`. Inert unless asked for.

`WAREHOUSE_FAULT="<point>=<mode>"` makes the process fail when it first reaches the point; unset, `reach` is one look at the
environment. Modes: `raise` (an exception), `kill` (SIGKILL), `hang` (until killed), `mark` (goes on), `wait` (goes on when the
mark is removed). The mark is the file that `WAREHOUSE_FAULT_MARK` names, created first: a test sees that the point was reached.
"""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

POINTS = (
    "after hashing",
    "half a COPY",
    "after COPY",
    "after the commit of personal rows",
    "after validation",
    "before the commit that makes visible",
    "after the commit that makes visible",
    "before the marts flip",
    "after the marts flip",
)


class InjectedError(Exception):
    """The failure that a test has asked for."""


def reach(point: str, detail: str = "") -> None:
    """Fail here if `WAREHOUSE_FAULT` names this point, or this point and `detail`."""
    wanted = os.environ.get("WAREHOUSE_FAULT")
    if not wanted:
        return
    name, _, mode = wanted.partition("=")
    if name in (point, f"{point} {detail}"):
        _fail(mode)


def _fail(mode: str) -> None:
    del os.environ["WAREHOUSE_FAULT"]  # once
    mark = os.environ.get("WAREHOUSE_FAULT_MARK")
    if mark:
        try:
            Path(mark).touch(exist_ok=False)
        except FileExistsError:
            return
    if mode == "raise":
        raise InjectedError("as WAREHOUSE_FAULT asks")
    if mode == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    tick = threading.Event()
    while mode == "hang" or (mode == "wait" and mark and os.path.exists(mark)):
        tick.wait(0.01)
