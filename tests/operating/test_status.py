"""`python -m pipeline status`: the night in its first line, whatever else it says."""

from __future__ import annotations

import json

import pytest

from pipeline import cli, operating_command
from tests.support.warehouses import environment
from warehouse.connect import Warehouse


@pytest.fixture
def told(morning: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(morning).items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("told")
def test_the_first_line_says_how_the_night_was_and_the_next_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status"]) == 1
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[0].startswith(
        "The night was NOT good: business date 2025-09-30, 2 published, 1 held, 1 refused, 1 missing"
    )
    todo = lines[lines.index("What to do") + 1 :][:3]
    assert [line.split(",")[0].strip() for line in todo] == ["01 Hà Nội", "11 Điện Biên", "24 Bắc Ninh"]
    assert all("docs/runbooks/" in line for line in todo)
    assert "04 Cao Bằng" in "\n".join(lines)
    assert "status/index.html" in shown.err
    assert lines[-1].startswith("96 2025-09-30 r1     published")


@pytest.mark.usefixtures("told")
def test_a_long_list_is_cut_to_its_end_unless_all_is_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operating_command, "NEWEST", 2)
    cli.main(["status"])
    assert "The newest 2 of 10 deliveries (--all)" in capsys.readouterr().out
    cli.main(["status", "--all"])
    assert "Every delivery on record" in capsys.readouterr().out


@pytest.mark.usefixtures("told")
def test_programs_get_every_delivery(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert len(found) == 10
    assert {verdict["verdict"] for verdict in found} == {"published", "held", "refused"}
