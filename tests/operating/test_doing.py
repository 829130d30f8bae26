"""What an engineer does by hand: pausing a branch, working through dates again, carrying an old warehouse forward."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fsspec.implementations.local import LocalFileSystem

from contract.errors import WarehouseError
from ingestion.rules import Counts
from pipeline import cli, intake
from pipeline.board import read_board
from pipeline.branch import find_branches, verify_branch
from pipeline.deadline import clock
from pipeline.laws import check_laws
from pipeline.night import run_night
from pipeline.pause import pause_branch, resume_branch
from pipeline.rework import ask_for_marts, find_rework, rework_branch
from pipeline.upkeep import remove_older
from tests.operating.conftest import MORNING
from tests.support.deliveries import Delivery, first_delivery, repay
from tests.support.door import take_in
from tests.support.older import code_before
from tests.support.warehouses import (
    copy_warehouse,
    environment,
    new_warehouse,
    remove_warehouse,
    without_great_expectations,
)
from warehouse import schema
from warehouse.connect import Warehouse

FIRST, LAST = dt.date(2025, 9, 29), dt.date(2025, 9, 30)


@pytest.fixture(scope="module")
def model(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A branch whose first date is published and whose second is held: one đồng is missing."""
    found = new_warehouse(warehouse, tmp_path_factory.mktemp("doing"))
    landing = Path(found.settings.landing)
    first = first_delivery("96", "2025-09-29")
    first.write(landing)
    held_delivery(first).write(landing)
    take_in(found, "96")
    yield found
    remove_warehouse(found)


@pytest.fixture
def own(model: Warehouse, tmp_path: Path) -> Iterator[Warehouse]:
    """The same, to be changed; its landing has been looked at."""
    copied = copy_warehouse(model, tmp_path / "home")
    verify_branch(copied, "96")
    yield copied
    remove_warehouse(copied)


def held_delivery(first: Delivery) -> Delivery:
    second = repay(first.next("2025-09-30"), 1, 1_000_000)
    second.rows["loan_book"][0]["in_term_vnd"] -= 1
    return second


def verdicts(warehouse: Warehouse) -> list[str]:
    with warehouse.connect("loader") as connection:
        return [verdict for (verdict,) in connection.execute("select verdict from meta.ledger order by entry_no")]


def test_a_paused_branch_is_left_alone_and_taken_in_when_it_is_resumed(own: Warehouse) -> None:
    first_delivery("04", "2025-09-30").write(Path(own.settings.landing))
    assert find_branches(own) == ["04"]
    assert "04 Cao Bằng is paused" in pause_branch(own, "04", "lan", "The core is being replaced.")
    assert find_branches(own) == []
    assert "04" not in {outcome.branch_code for outcome in run_night(own, processes=1).outcomes}
    with pytest.raises(WarehouseError, match="is paused already"):
        pause_branch(own, "04", "minh", "again")
    with pytest.raises(WarehouseError, match="04 Cao Bằng is paused"):
        find_rework(own, FIRST, LAST, "04")
    resume_branch(own, "04", "minh")
    assert find_branches(own) == ["04"]
    with pytest.raises(WarehouseError, match="is not paused"):
        resume_branch(own, "04", "minh")
    with pytest.raises(WarehouseError, match="No branch has the code 99"):
        pause_branch(own, "99", "lan", "typing error")


def test_a_paused_branch_is_a_remark_and_no_alarm(own: Warehouse) -> None:
    take_in_more = first_delivery("04", "2025-09-29")
    take_in_more.write(Path(own.settings.landing))
    take_in(own, "04")
    assert {cell.branch_code: cell.state for cell in read_board(own, MORNING).cells}["04"] == "missing"
    pause_branch(own, "04", "lan", "The core is being replaced.")
    board = read_board(own, MORNING)
    cell = next(cell for cell in board.cells if cell.branch_code == "04")
    assert (cell.state, cell.is_problem) == ("paused", False)
    assert "paused by lan" in cell.reason


def test_what_is_held_is_judged_again_by_the_rules_of_today(own: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    assert verdicts(own) == ["published", "held"]
    assert find_rework(own, LAST, LAST) == ["96"]
    with without_great_expectations():
        assert rework_branch(own, "96", FIRST, LAST) == []
        # Held again, for the same reason: nothing has changed, and the ledger says so once.
        assert verdicts(own) == ["published", "held"]
        # The rules were mended.
        monkeypatch.setattr(intake, "find_dataset_violations", lambda *_: None)
        monkeypatch.setattr(intake, "measure_opening", lambda *_: Counts(0, 0))
        (outcome,) = rework_branch(own, "96", FIRST, LAST)
    assert (outcome.business_date, outcome.verdict) == ("2025-09-30", "published")
    assert verdicts(own) == ["published", "held", "published"]


def test_a_branch_that_cannot_be_worked_through_leaves_the_others_alone(
    own: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment(own).items():
        monkeypatch.setenv(name, value)
    first_delivery("04", "2025-09-30").write(Path(own.settings.landing))
    ls = LocalFileSystem.ls

    def refuse(fs: LocalFileSystem, path: str, *rest: object, **options: object) -> object:
        if path.endswith("/04"):
            raise PermissionError(13, "Permission denied", path)
        return ls(fs, path, *rest, **options)

    monkeypatch.setattr(LocalFileSystem, "ls", refuse)
    # What was held passes by the rules of today.
    monkeypatch.setattr(intake, "find_dataset_violations", lambda *_: None)
    monkeypatch.setattr(intake, "measure_opening", lambda *_: Counts(0, 0))
    with without_great_expectations():
        assert cli.main(["rework", "--from", "2025-09-30", "--to", "2025-09-30"]) == cli.INTERNAL
    told = capsys.readouterr()
    assert "96 2025-09-30 r1     published" in told.out
    assert "04 Cao Bằng: The landing" in told.err
    assert "night" not in told.err.partition("broke off for")[2], "a night does not work through dates again"


def test_working_through_dates_again_breaks_no_law(own: Warehouse) -> None:
    with without_great_expectations():
        rework_branch(own, "96", FIRST, LAST)
    assert [result.text for result in check_laws(own) if not result.holds] == []


def test_new_folders_of_the_range_are_taken_in_and_others_are_not(own: Warehouse) -> None:
    landing = Path(own.settings.landing)
    corrected = repay(first_delivery("96", "2025-09-29").next("2025-09-30"), 1, 1_000_000).revise()
    corrected.write(landing)
    first_delivery("04", "2025-10-07").write(landing)
    assert find_rework(own, FIRST, LAST) == ["96"]
    with without_great_expectations():
        (outcome,) = rework_branch(own, "96", LAST, LAST)
    assert (outcome.revision, outcome.verdict) == (2, "published_with_warnings")


@pytest.mark.parametrize(("first", "last"), [(LAST, FIRST), (FIRST, FIRST + dt.timedelta(days=400))])
def test_a_range_is_bounded(warehouse: Warehouse, first: dt.date, last: dt.date) -> None:
    with pytest.raises(WarehouseError, match="is no range"):
        find_rework(warehouse, first, last)


def test_marts_of_the_range_are_asked_for_and_no_others(own: Warehouse) -> None:
    with own.connect("admin") as connection:
        connection.execute(
            "insert into meta.current_units (part, branch_code, business_date, build_id, fingerprint) select 'state', b, d, 1, 'x' "
            "from unnest(array['96', '04', '*']) as b, unnest(array['2025-09-28', '2025-09-29']::date[]) as d"
        )
    assert ask_for_marts(own, FIRST, LAST, "96") == 2
    with own.connect("admin") as connection:
        forgotten = connection.execute(
            "select branch_code, business_date::text from meta.current_units where fingerprint = '' order by 1"
        ).fetchall()
    assert forgotten == [("*", "2025-09-29"), ("96", "2025-09-29")]


def test_an_older_warehouse_is_carried_forward_with_all_that_it_holds(warehouse: Warehouse, tmp_path: Path) -> None:
    """One that knew nothing yet of nights, pauses, erasures and chunks, and lacked a column of the contract."""
    with code_before(11, tmp_path / "older"):
        old = new_warehouse(warehouse, tmp_path / "home")
        first = first_delivery("96", "2025-09-29")
        first.write(Path(old.settings.landing))
        take_in(old, "96")
        with old.connect("admin") as connection:
            assert connection.execute("select to_regclass('meta.nights')").fetchone() == (None,)
            connection.execute("alter table raw.inspections_rows drop column fixed_on cascade")
            before = connection.execute("select * from meta.ledger order by entry_no").fetchall()
    assert schema.bring_up_to_date(old)
    assert not schema.bring_up_to_date(old)
    with old.connect("admin") as connection:
        assert connection.execute("select * from meta.ledger order by entry_no").fetchall() == before
        assert connection.execute("select count(*) from raw.loan_book").fetchone() == (6,)
        assert connection.execute("select fixed_on from raw.inspections").fetchall() == []
        assert connection.execute(
            "select conname from pg_constraint "
            "where conrelid = 'meta.ledger'::regclass and pg_get_constraintdef(oid) like '%erased%' order by 1"
        ).fetchall() == [("ledger_erased_turns_nothing",), ("ledger_verdict_check",)]
    repay(first.next("2025-09-30"), 1, 1_000_000).write(Path(old.settings.landing))
    assert [outcome.verdict for outcome in take_in(old, "96")] == ["published"]
    assert [result.text for result in check_laws(old) if not result.holds] == []
    remove_warehouse(old)


def test_only_old_files_are_removed(tmp_path: Path) -> None:
    old, new = tmp_path / "old.log", tmp_path / "new.log"
    for path in (old, new):
        path.touch()
    moment = dt.datetime.fromtimestamp(new.stat().st_mtime - 60, dt.UTC)
    os.utime(old, (0, 0))
    assert remove_older([old, new, tmp_path / "gone"], moment) == 1
    assert (old.exists(), new.exists()) == (False, True)


def test_what_an_erasure_that_was_killed_was_writing_is_removed_too(tmp_path: Path) -> None:
    """It writes in a folder of its own below the store."""
    folder = tmp_path / "incoming-x"
    folder.mkdir()
    (folder / "rewritten").write_text("half")
    assert remove_older([folder], clock() + dt.timedelta(days=1)) == 1
    assert list(tmp_path.iterdir()) == []
