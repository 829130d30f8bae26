"""A night of several branches by command line."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from pipeline import cli, night
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
