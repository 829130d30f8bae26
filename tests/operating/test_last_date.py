"""A business date where the calendar ends: it is on record like any other, and who looks at the warehouse sees it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import cli
from pipeline.board import read_board
from pipeline.deadline import deadline_of
from pipeline.digest import compose
from tests.operating.conftest import MORNING, NIGHT, without_one_dong
from tests.support.deliveries import first_delivery
from tests.support.door import take_in
from tests.support.warehouses import environment, new_warehouse, remove_warehouse
from warehouse.connect import Warehouse


@pytest.fixture(scope="module")
def far(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    own = new_warehouse(warehouse, tmp_path_factory.mktemp("far"))
    for branch, date in (("96", "2025-09-30"), ("04", "9999-12-31")):
        first_delivery(branch, date).write(Path(own.settings.landing))
        take_in(own, branch)
    yield own
    remove_warehouse(own)


def test_the_last_date_of_the_calendar_stands_on_the_board_and_is_not_late(far: Warehouse) -> None:
    board = read_board(far, MORNING)
    cells = {(branch.code, date): cell for branch in board.branches for date, cell in branch.cells.items()}
    last, usual = cells["04", dt.date.max], cells["96", dt.date(2025, 9, 30)]
    assert (last.state, last.late, usual.state) == ("published", None, "published")
    assert cells["96", dt.date.max].state == "expected"


def test_a_date_that_has_not_come_is_not_the_night_and_hides_no_silence(far: Warehouse) -> None:
    later = read_board(far, MORNING + dt.timedelta(days=2))
    assert (later.night, later.dates_without_word) == (dt.date(2025, 9, 30), 2)
    assert [cell.branch_code for cell in later.cells] == ["96"]
    assert later.dates == [dt.date.max, dt.date(2025, 9, 30)]
    with far.connect("loader") as connection:
        assert "Changed since the date before" not in compose(connection, later).parts


def test_the_last_date_of_the_calendar_does_not_keep_the_status_from_anybody(
    far: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment(far).items():
        monkeypatch.setenv(name, value)
    cli.main(["status"])
    assert "04 9999-12-31 r1     published" in capsys.readouterr().out


def test_the_last_date_of_the_calendar_has_its_deadline_where_the_calendar_ends() -> None:
    assert deadline_of(dt.date(9999, 12, 30)).isoformat() == "9999-12-31T08:00:00+07:00"
    assert deadline_of(dt.date.max).isoformat() == "9999-12-31T23:59:59.999999+07:00"


def test_a_date_that_has_not_come_is_not_the_night_and_hides_nothing_of_it(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    own = new_warehouse(warehouse, tmp_path / "home")
    landing = Path(own.settings.landing)
    for branch, date in (("96", "2025-09-28"), ("04", "2025-09-30")):
        first_delivery(branch, date).write(landing)
    without_one_dong(first_delivery("96").next("2025-09-30")).write(landing)
    (first_delivery("04", "2062-09-30").write(landing) / "datapackage.json").unlink()
    for branch in ("04", "96"):
        take_in(own, branch)
    board = read_board(own, MORNING)
    assert (board.night, board.verdict, board.headline) == (
        NIGHT,
        "bad",
        "1 published, 1 held, 2 late, 2 open on other dates",
    )
    places = [(cell.branch_code, cell.business_date.isoformat(), cell.state) for cell in board.other_problems]
    assert places == [("04", "2062-09-30", "waiting"), ("96", "2025-09-29", "missing")]
    assert [date.isoformat() for date in board.dates] == ["2062-09-30", "2025-09-30", "2025-09-29", "2025-09-28"]
    later = read_board(own, MORNING + dt.timedelta(days=2))
    assert later.dates_without_word == 2
    remove_warehouse(own)
