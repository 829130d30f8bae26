"""Every named point of a night × exception, SIGKILL, hang, lost reply: what was visible stays so, whole, and the night

run again ends as if nothing had happened.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.faults.conftest import BRANCH, Scene, read_entries, require_laws, require_recovery
from tests.faults.nights import failing
from tests.faults.waiting import wait_until
from tests.faults.wire import Wire
from tests.faults.witness import read_content
from warehouse.connect import Warehouse
from warehouse.faults import POINTS

POINTS_OF_A_NIGHT = {
    "after hashing": "after hashing",
    "half a COPY": "half a COPY loan_book",
    "after COPY": "after COPY",
    "after the commit of personal rows": "after the commit of personal rows",
    "after validation": "after validation",
    "before the commit that makes visible": f"before the commit that makes visible {BRANCH}",
    "after the commit that makes visible": f"after the commit that makes visible {BRANCH}",
}
VISIBLE_AFTERWARDS = {
    ("before the commit that makes visible", "lost reply"),
    *(("after the commit that makes visible", mode) for mode in ("exception", "SIGKILL", "hang", "lost reply")),
}
HELD_IN_BETWEEN = {
    (point, "exception")
    for point in ("half a COPY", "after COPY", "after the commit of personal rows", "after validation")
}
"""A step of one delivery that cannot be done counts as a failed check: the delivery is held until the next night."""


EXIT_CODES = {"exception": 1, "SIGKILL": -signal.SIGKILL, "hang": -signal.SIGKILL, "lost reply": 1}


def test_every_point_is_tested() -> None:
    assert [point for point in POINTS if "marts" not in point] == list(POINTS_OF_A_NIGHT)


MODES = {"exception": "raise", "SIGKILL": "kill", "hang": "hang", "lost reply": "mark"}


@pytest.mark.parametrize("case", [(point, mode) for point in POINTS_OF_A_NIGHT for mode in MODES], ids=" - ".join)
def test_a_night_that_fails_at_any_point_is_made_good_by_the_next(
    scene: Scene, disturbed: Warehouse, tmp_path: Path, case: tuple[str, str]
) -> None:
    point, mode = case
    mark = tmp_path / "reached"
    wire = Wire(disturbed.admin_url, mark, "connection" if point == "half a COPY" else "reply to COMMIT")
    fault = f"{POINTS_OF_A_NIGHT[point]}={MODES[mode]}"
    with wire, failing(disturbed, fault, mark, wire.url if mode == "lost reply" else None) as night:
        if mode == "hang":
            wait_until(mark.exists, lambda: night.poll() is not None)
            assert read_content(disturbed) in (scene.before, scene.after)
            require_laws(disturbed)
            night.kill()
        code = night.wait(120)
    assert mark.exists(), "the point was never reached"
    assert wire.has_lost.is_set() == (mode == "lost reply")
    assert code == EXIT_CODES[mode] if case not in HELD_IN_BETWEEN else code == 0
    assert read_content(disturbed) == (scene.after if case in VISIBLE_AFTERWARDS else scene.before)
    require_laws(disturbed)
    require_recovery(scene, disturbed)
    if case not in HELD_IN_BETWEEN:
        assert read_entries(disturbed) == scene.entries_after
