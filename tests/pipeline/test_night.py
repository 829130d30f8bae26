"""A night of several branches by command line."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from fsspec.implementations.local import LocalFileSystem

from pipeline import cli, night
from pipeline.branch import find_branches
from tests.support.deliveries import first_delivery, repay
from tests.support.warehouses import environment, new_warehouse, remove_warehouse, without_great_expectations
from warehouse.connect import Warehouse


def test_a_branch_whose_night_breaks_off_leaves_the_others_alone(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = new_warehouse(warehouse, tmp_path)
    for name, value in environment(own).items():
        monkeypatch.setenv(name, value)
    for code in ("04", "96"):
        first_delivery(code, "2025-09-28").write(Path(own.settings.landing))
    verify_branch = night.verify_branch

    def break_off(warehouse: Warehouse, code: str, *rest: object) -> object:
        if code == "04":
            raise RuntimeError("a value that a log must not hold")
        return verify_branch(warehouse, code, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(night, "verify_branch", break_off)
    monkeypatch.setattr(night.run_night, "__defaults__", (None, night.quiet, 1, None))
    try:
        assert cli.main(["night"]) == cli.INTERNAL
        told = capsys.readouterr()
        assert "96 2025-09-28" in told.out
        assert "04 Cao Bằng: RuntimeError in tests/pipeline/test_night.py" in told.err
        assert "a value that a log must not hold" not in told.err
        with own.connect("admin") as connection:
            shown = connection.execute("select branch_code from marts.mart_branch_scorecard").fetchall()
        assert shown == [("96",)]
        docs = own.settings.home / "data_docs" / "index.html"
        first = docs.read_text(encoding="utf-8")
        assert "2025-09-28" in first
        monkeypatch.setattr(night, "verify_branch", verify_branch)
        assert cli.main(["night"]) == cli.GOOD
        second = docs.read_text(encoding="utf-8")
        assert second.count("2025-09-28") > first.count("2025-09-28"), (
            "the other branch's validation is in the site too"
        )
        docs.unlink()
        assert cli.main(["night"]) == cli.GOOD
        assert not docs.exists(), "a night that validates nothing leaves the site alone"
    finally:
        remove_warehouse(own)
        shutil.rmtree(tmp_path, ignore_errors=True)


def test_a_branch_whose_folders_cannot_be_read_leaves_the_others_alone(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = new_warehouse(warehouse, tmp_path)
    for code in ("04", "96"):
        first_delivery(code, "2025-09-28").write(Path(own.settings.landing))
    ls = LocalFileSystem.ls

    def refuse(fs: LocalFileSystem, path: str, *rest: object, **options: object) -> object:
        if path.endswith("/04"):
            raise PermissionError(13, "Permission denied", path)
        return ls(fs, path, *rest, **options)

    with monkeypatch.context() as patch, without_great_expectations():
        patch.setattr(LocalFileSystem, "ls", refuse)
        assert find_branches(own) == ["04", "96"]
        broken = night.run_night(own, processes=1)
        assert [(outcome.branch_code, outcome.verdict) for outcome in broken.outcomes] == [("96", "published")]
        assert "PermissionError" in broken.failures["04"]
        assert list(night.run_night(own, processes=1).failures) == ["04"], "a night without news is no other"
    with without_great_expectations():
        assert night.run_night(own, processes=1).failures == {}


def test_names_that_are_not_written_in_utf_8_stop_nobody(warehouse: Warehouse, tmp_path: Path) -> None:
    own = new_warehouse(warehouse, tmp_path)
    landing = Path(own.settings.landing)
    foreign = os.fsdecode("ghi chú".encode("windows-1258", "replace") + b"\xfa")
    with_note = first_delivery("04", "2025-09-28").write(landing)
    (with_note / foreign).touch()
    misnamed = first_delivery("96", "2025-09-29").write(landing)
    misnamed.parent.rename(landing / "96" / foreign)
    (landing / foreign / "2025-09-28" / "r1").mkdir(parents=True)
    first_delivery("96", "2025-09-28").write(landing)
    with without_great_expectations():
        found = night.run_night(own, processes=1)
        assert found.failures == {}
        assert [(outcome.branch_code, outcome.revision, outcome.verdict) for outcome in found.outcomes] == [
            ("04", 1, "published"), ("96", 1, "published"), ("96", 1, "refused"),
        ]  # fmt: skip
        assert find_branches(own) == []
        assert night.run_night(own, processes=1).failures == {}
    with own.connect("admin") as connection:
        (kept,) = connection.execute("select detail -> 'kept' from meta.ledger where verdict = 'refused'").fetchall()
    assert list(kept[0]) == ["datapackage.json"]


def test_a_branch_that_cannot_be_told_is_told_when_it_can_be(warehouse: Warehouse, tmp_path: Path) -> None:
    own = new_warehouse(warehouse, tmp_path)
    # Its roll-forward is not checked, for nothing is visible that it follows: that is provisional, and the branch is told.
    first_delivery("04", "2025-09-28").next("2025-09-29").write(Path(own.settings.landing))
    first_delivery("96", "2025-09-28").write(Path(own.settings.landing))
    own.settings.outbox.mkdir()
    in_the_way = own.settings.outbox / "04"
    in_the_way.touch()
    with without_great_expectations():
        assert list(night.run_night(own, processes=1).failures) == ["04"]
        in_the_way.unlink()
        verdicts = [(outcome.branch_code, outcome.verdict) for outcome in night.run_night(own, processes=1).outcomes]
    assert verdicts == [("96", "duplicate"), ("04", "provisional")]
    assert "provisional" in (in_the_way / "2025-09-29" / "r1" / "feedback.html").read_text(encoding="utf-8")


def test_a_refusal_that_cannot_be_told_again_leaves_the_others_alone(warehouse: Warehouse, tmp_path: Path) -> None:
    own = new_warehouse(warehouse, tmp_path)
    landing = Path(own.settings.landing)
    (first_delivery("04", "2025-09-28").write(landing) / "datapackage.json").write_text("{")
    with without_great_expectations():
        assert night.run_night(own, processes=1).is_bad
        shutil.rmtree(own.settings.outbox / "04")
        (own.settings.outbox / "04").touch()
        first_delivery("96", "2025-09-28").write(landing)
        found = night.run_night(own, processes=1)
    assert list(found.failures) == ["04"]
    assert [(outcome.branch_code, outcome.verdict) for outcome in found.outcomes] == [("96", "published")]


def test_a_second_look_at_the_landing_does_not_hide_what_the_first_one_turned(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    """The repeat waits for the delivery that it repeats, so that the landing is looked at twice."""
    own = new_warehouse(warehouse, tmp_path)
    first = first_delivery("96")
    following = repay(first.next("2025-09-29"), 1, 1_000_000)
    following.rows["loan_transactions"] = []
    landing = Path(own.settings.landing)
    descriptor = (first.write(landing) / "datapackage.json").read_bytes()
    for delivery in (first.revise(hashlib.sha256(descriptor).hexdigest()), following):
        delivery.write(landing)
    with without_great_expectations():
        found = night.run_night(own, processes=1)
    verdicts = [(outcome.business_date, outcome.revision, outcome.verdict) for outcome in found.outcomes]
    assert verdicts == [("2025-09-28", 1, "published"), ("2025-09-28", 2, "duplicate"), ("2025-09-29", 1, "held")]
    assert found.is_bad


def test_a_repeat_is_told_beside_the_delivery_that_turns_in_the_same_night(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    """The second revision has the content of the third, which came before it and waited for the day before; what its
    manifest says does not hold, so that it is put on record as a repeat of the third and no more.
    """
    own = new_warehouse(warehouse, tmp_path)
    landing = Path(own.settings.landing)
    first = first_delivery("96")
    following = repay(first.next("2025-09-29"), 1, 1_000_000)
    following.revision, following.supersedes = 3, "0" * 64
    following.write(landing)

    def verdicts() -> list[tuple[str, int | None, str]]:
        found = night.run_night(own, processes=1).outcomes
        return [(outcome.business_date, outcome.revision, outcome.verdict) for outcome in found]

    with without_great_expectations():
        assert verdicts() == [("2025-09-29", 3, "provisional")]
        following.revision = 2
        following.manifest["cobCompletedAt"] = "2025-09-29T18:00:00+07:00"
        following.write(landing)
        first.write(landing)
        assert verdicts() == [
            ("2025-09-28", 1, "published"),
            ("2025-09-29", 2, "duplicate"),
            ("2025-09-29", 3, "published_with_warnings"),
        ]
