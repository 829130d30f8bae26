"""What the command line says to whoever uses it wrongly: what is wrong and what to write, without a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import cli
from pipeline.nights import last_night_ended
from pipeline.watch import tell, watch
from tests.operating.receivers import web_server
from tests.support.warehouses import environment, new_warehouse, remove_warehouse
from warehouse.connect import Warehouse
from warehouse.settings import Settings


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    try:
        code = cli.main(arguments)
    except SystemExit as end:
        code = int(end.code or 0)
    return code, capsys.readouterr().err.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("night --business-date 30/09/2025", "'30/09/2025' is no date. Write it as 2025-09-30."),
        ("rework --from 2025-02-30 --to 2025-03-01", "'2025-02-30' is no date. Write it as 2025-09-30."),
        ("restore --home x --time 2025-09-30T22:15:00", "time zone. Write it as 2025-09-30T22:15:00+07:00."),
        ("restore --home x --time yesterday", "time zone. Write it as 2025-09-30T22:15:00+07:00."),
        ("check x --contract y --dialect ;", """is no JSON object. Write it as '{"delimiter": ";"}'."""),
        ("check x --contract y --dialect []", """is no JSON object. Write it as '{"delimiter": ";"}'."""),
    ],
)
def test_a_wrong_value_is_answered_with_a_right_one(
    arguments: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, line = said(capsys, *arguments.split())
    assert (code, line[-len(told) :]) == (64, told)


@pytest.mark.parametrize("command", ["status", "backup", "laws"])
def test_a_home_that_cannot_be_made_is_named_in_one_line(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("WAREHOUSE_HOME", str(tmp_path / "file" / "home"))
    assert cli.main([command]) == 70
    (line,) = capsys.readouterr().err.splitlines()
    assert "Not a directory" in line
    assert str(tmp_path / "file" / "home") in line


def test_an_address_that_is_none_is_not_quoted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WAREHOUSE_URL", "postgresql//warehouse:secret@db:5432/warehouse")
    code, line = said(capsys, "laws")
    assert (code, "postgresql://user:password@host:port/database" in line, "secret" in line) == (70, True, False)


def test_the_watch_speaks_where_the_home_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "file"
    home.touch()
    settings = Settings(home, str(home / "landing"), home / "store", home / "outbox", None)
    found = watch(settings)
    assert "the warehouse does not answer" in found.alarms[0]
    with web_server() as hook:
        monkeypatch.setenv("WAREHOUSE_DIGEST", f"http://127.0.0.1:{hook.port}/")
        tell(found, settings)
        assert len(hook.posts) == 1


class TestOfAWarehouse:
    @pytest.fixture(autouse=True)
    def own(self, warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Warehouse]:
        own = new_warehouse(warehouse, tmp_path)
        for name, value in environment(own).items():
            monkeypatch.setenv(name, value)
        yield own
        remove_warehouse(own)

    @pytest.mark.parametrize("command", ["night --branch 69", "rework --from 2025-09-30 --to 2025-09-30 --branch 9"])
    def test_a_code_that_no_branch_has_is_no_night_without_deliveries(
        self, command: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code, line = said(capsys, *command.split())
        assert (code, line) == (
            70, f"WarehouseError: No branch has the code {command.rsplit(maxsplit=1)[-1]}. Use a code of meta.branches.",
        )  # fmt: skip

    def test_a_landing_that_is_not_there_is_no_empty_one(
        self, own: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        told = cli.main(["night", "--landing", str(tmp_path / "not mounted")]), capsys.readouterr().err
        assert told[0] == 70
        assert f"The landing {tmp_path / 'not mounted'} cannot be read: there is no such folder" in told[1]
        with own.connect("loader") as connection:
            assert last_night_ended(connection) is None
