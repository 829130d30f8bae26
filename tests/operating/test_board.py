"""The board: what stands at each branch and date, and what is said of the night."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from pipeline.board import read_board
from pipeline.board_model import Board, Cell
from pipeline.deadline import deadline_of, last_due_date
from pipeline.nights import Killed
from pipeline.status_page import ADVICE, RUNBOOKS, refresh_status_page
from tests.operating.conftest import GOOD, HELD, LATE, MORNING, NIGHT, REFUSED, SILENT
from warehouse.connect import Warehouse


@pytest.fixture(scope="module")
def board(morning: Warehouse) -> Board:
    return read_board(morning, MORNING)


@pytest.fixture(scope="module")
def night(board: Board) -> dict[str, Cell]:
    return {cell.branch_code: cell for cell in board.cells}


def test_each_branch_has_its_verdict(night: dict[str, Cell]) -> None:
    assert {code: cell.state for code, cell in night.items()} == {
        GOOD: "published", LATE: "published", HELD: "held", REFUSED: "refused", SILENT: "missing",
    }  # fmt: skip


def test_lateness_is_counted_from_the_deadline(night: dict[str, Cell]) -> None:
    assert {code: cell.late for code, cell in night.items() if cell.late} == {
        LATE: dt.timedelta(hours=3, minutes=20), SILENT: dt.timedelta(hours=4),
    }  # fmt: skip


def test_rows_findings_and_durations_are_there(night: dict[str, Cell]) -> None:
    good, held = night[GOOD], night[HELD]
    assert (good.revision, good.visible_revision, good.errors, good.warnings) == (1, 1, 0, 0)
    assert good.rows is not None
    assert good.rows > 20
    assert good.seconds == 42
    assert held.visible_revision is None
    assert held.errors >= 2


def test_the_night_is_not_good_and_says_why(board: Board) -> None:
    assert board.verdict == "bad"
    assert board.night == NIGHT
    assert board.headline == "2 published, 1 held, 1 refused, 1 missing, 1 late"
    assert [cell.branch_code for cell in board.problems] == [HELD, REFUSED, SILENT]
    assert board.dates == [NIGHT - dt.timedelta(days=days) for days in range(4)]


def test_before_the_deadline_nobody_is_missing(morning: Warehouse) -> None:
    early = read_board(morning, dt.datetime(2025, 10, 1, 7, 59, tzinfo=MORNING.tzinfo))
    assert {cell.branch_code: cell.state for cell in early.cells}[SILENT] == "expected"
    assert early.dates_without_word == 0


def test_dates_for_which_nobody_delivered_are_counted(morning: Warehouse) -> None:
    assert read_board(morning, MORNING + dt.timedelta(days=2)).dates_without_word == 2


def test_a_date_inside_a_later_interval_is_covered(morning: Warehouse) -> None:
    branch = next(branch for branch in read_board(morning, MORNING).branches if branch.code == GOOD)
    assert [branch.cells[dt.date(2025, 9, day)].state for day in (27, 28, 29)] == ["published", "covered", "published"]


def test_the_hour_of_the_deadline_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert deadline_of(NIGHT).isoformat() == "2025-10-01T08:00:00+07:00"
    assert last_due_date(MORNING) == NIGHT
    assert last_due_date(MORNING.replace(hour=7)) == NIGHT - dt.timedelta(days=1)
    monkeypatch.setenv("WAREHOUSE_DEADLINE", "06:30")
    assert deadline_of(NIGHT).isoformat() == "2025-10-01T06:30:00+07:00"


def test_every_advice_leads_to_a_runbook() -> None:
    assert [name for _, name in ADVICE.values() if not (RUNBOOKS / f"{name}.md").exists()] == []


def test_the_page_is_written(morning: Warehouse) -> None:
    page = refresh_status_page(morning, MORNING).read_text(encoding="utf-8")
    assert "The night was not good" in page
    for name in ("01 Hà Nội", "04 Cao Bằng", "96 Cà Mau"):
        assert name in page


def test_every_link_between_the_pages_leads_somewhere(morning: Warehouse) -> None:
    folder = refresh_status_page(morning, MORNING).parent
    dead = [
        (page.name, link)
        for page in folder.rglob("*.html")
        for link in re.findall(r'href="([^"#]+)', page.read_text(encoding="utf-8"))
        if not link.startswith("https:") and not (page.parent / link).exists()
    ]
    assert dead == []
    branch = (folder / "branches" / f"{HELD}.html").read_text(encoding="utf-8")
    assert f'id="d{NIGHT}"' in branch


def test_a_night_is_not_simply_good_where_something_is_said_of_no_branch(board: Board) -> None:
    quiet = vars(board) | {"branches": [], "is_built": True, "killed": []}
    assert Board(**quiet).verdict == "good"
    assert Board(**(quiet | {"dates_without_word": 2})).verdict == "remarks"
    assert Board(**(quiet | {"strangers": [("landing/96/2025-09-30/R1", "The folder must be ...")]})).verdict == "bad"


def test_what_is_open_on_an_earlier_date_is_remembered(board: Board) -> None:
    later = Board(**(vars(board) | {"dates": [NIGHT + dt.timedelta(days=1), *board.dates]}))
    assert (later.cells, later.verdict) == ([], "remarks")
    assert later.headline == "3 open on other dates"


def test_a_killed_night_is_bad_until_one_has_ended_since(board: Board) -> None:
    later = vars(board) | {"dates": [NIGHT + dt.timedelta(days=1)], "branches": [], "is_built": True, "killed": []}
    for made_up, verdict in ((None, "bad"), (MORNING, "remarks")):
        assert Board(**(later | {"killed": [Killed(1, MORNING, made_up)]})).verdict == verdict
    assert Board(**later).verdict == "good"
