"""Folders that name no branch of their date, and what is gone from the landing: seen while there, and not for ever."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import cli
from pipeline.board import read_board
from pipeline.board_text import board_lines
from pipeline.branch import find_branches
from pipeline.digest import compose
from pipeline.status_page import refresh_status_page
from tests.operating.conftest import MORNING, without_one_dong
from tests.support.deliveries import first_delivery
from tests.support.door import take_in
from tests.support.warehouses import environment, new_warehouse, remove_warehouse
from warehouse.connect import Warehouse

DAY = "2025-09-30"


@pytest.fixture
def own(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Warehouse]:
    """An empty warehouse of its own, which the command line finds."""
    own = new_warehouse(warehouse, tmp_path)
    for name, value in environment(own).items():
        monkeypatch.setenv(name, value)
    yield own
    remove_warehouse(own)


@pytest.fixture
def landing(own: Warehouse) -> Path:
    return Path(own.settings.landing)


@pytest.fixture(params=["Hà Nội", "01", "R1"])
def wrongly_named(request: pytest.FixtureRequest, landing: Path) -> Path:
    """A folder of a branch without a code, of a province that was merged into another before that day, or of no revision."""
    folder = first_delivery("58" if request.param == "01" else "01", DAY).write(landing)
    if request.param == "01":
        return folder
    if request.param == "R1":
        return folder.rename(folder.with_name("R1"))
    (landing / "01").rename(landing / request.param)
    return landing / request.param / DAY / "r1"


def look(own: Warehouse) -> None:
    for code in find_branches(own):
        take_in(own, code)


def test_a_folder_that_names_no_branch_is_told_everywhere_until_it_is_gone(
    own: Warehouse, landing: Path, wrongly_named: Path
) -> None:
    first_delivery("96", DAY).write(landing)
    look(own)
    board = read_board(own, MORNING)
    assert board.verdict == "bad"
    assert "1 published, 1 wrongly named" in board.headline
    assert f"{wrongly_named}: refused. " in "\n".join(board_lines(board))
    assert str(wrongly_named) in refresh_status_page(own, MORNING).read_text(encoding="utf-8")
    with own.connect("loader") as connection:
        assert str(wrongly_named) in compose(connection, board).text
    shutil.rmtree(wrongly_named)
    look(own)
    assert (read_board(own, MORNING).verdict, read_board(own, MORNING).strangers) == ("remarks", [])


@pytest.mark.usefixtures("wrongly_named")
def test_what_lies_in_a_landing_that_nobody_looks_at_any_more_is_gone(own: Warehouse, tmp_path: Path) -> None:
    first_delivery("96", DAY).write(tmp_path / "moved")
    look(own)
    assert read_board(own, MORNING).verdict == "bad"
    look(replace(own, settings=replace(own.settings, landing=str(tmp_path / "moved"))))
    assert (read_board(own, MORNING).verdict, read_board(own, MORNING).strangers) == ("remarks", [])
    look(own)
    assert read_board(own, MORNING).verdict == "bad"


@pytest.mark.usefixtures("wrongly_named")
def test_status_speaks_where_nothing_else_is_on_record(own: Warehouse, capsys: pytest.CaptureFixture[str]) -> None:
    look(own)
    assert cli.main(["status"]) == 1
    assert "NOT good" in capsys.readouterr().out.splitlines()[0]


def test_a_folder_that_came_back_is_told_again_and_has_one_entry_in_the_ledger(
    own: Warehouse, landing: Path, wrongly_named: Path
) -> None:
    away = wrongly_named.rename(landing.parent / "away")
    for place, told in ((wrongly_named, 1), (away, 0), (wrongly_named, 1)):
        if not place.exists():
            (wrongly_named if place == away else away).rename(place)
        look(own)
        assert len(read_board(own, MORNING).strangers) == told
    with own.connect("loader") as connection:
        assert connection.execute("select count(*) from meta.ledger").fetchone() == (1,)


def test_nobody_waits_for_a_folder_that_is_gone(own: Warehouse, landing: Path) -> None:
    first = first_delivery("96", DAY)
    first.write(landing)
    look(own)
    second = first.revise().write(landing)
    (second / "datapackage.json").unlink()
    look(own)
    assert [cell.state for cell in read_board(own, MORNING).cells] == ["waiting"]
    shutil.rmtree(second)
    look(own)
    assert [cell.state for cell in read_board(own, MORNING).cells] == ["published"]


def test_status_exits_with_0_once_a_later_revision_has_mended_what_was_held(
    own: Warehouse, landing: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = without_one_dong(first_delivery("96", DAY))
    wrong.write(landing)
    look(own)
    assert cli.main(["status"]) == 1
    right = first_delivery("96", DAY).revise()
    right.write(landing)
    look(own)
    capsys.readouterr()
    assert cli.main(["status"]) == 0
    assert f"96 {DAY} r1     held" in capsys.readouterr().out, "it stays on record all the same"
    without_one_dong(right.revise()).write(landing)
    look(own)
    assert cli.main(["status"]) == 1
