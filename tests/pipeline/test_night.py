"""A night of several branches by command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline import cli, night
from tests.support.deliveries import first_delivery
from tests.support.warehouses import environment, new_warehouse, remove_warehouse
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
