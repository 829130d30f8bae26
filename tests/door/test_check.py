"""`python -m pipeline check`: the same door for a branch before it sends, and one file against one contract."""

from __future__ import annotations

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from contract.model import DATASETS_FOLDER
from pipeline import cli
from tests.door.book import following, opening
from tests.support.deliveries import COLUMNS, Delivery, to_csv
from warehouse.settings import PROJECT

OFFICES = DATASETS_FOLDER / "offices.odcs.yaml"


def _run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[dict[str, Any]]]:
    code = cli.main(["check", *map(str, arguments), "--json"])
    printed = capsys.readouterr().out
    return code, json.loads(printed) if printed else []


@pytest.fixture(autouse=True)
def no_bank(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The bank's warehouse is out of reach: a check that touched it would fail."""
    for name in ("WAREHOUSE_HOME", "WAREHOUSE_LANDING", "WAREHOUSE_STORE", "WAREHOUSE_OUTBOX"):
        monkeypatch.setenv(name, "/dev/null/nowhere")
    monkeypatch.setenv("WAREHOUSE_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir(mode=0o711)
    return tmp_path / "temporary"


@pytest.fixture
def delivery() -> Delivery:
    return following(opening("96"))


class TestADelivery:
    def test_that_is_good_exits_with_0_and_leaves_nothing_behind(
        self, delivery: Delivery, tmp_path: Path, capsys: pytest.CaptureFixture[str], no_bank: Path
    ) -> None:
        code, verdicts = _run(capsys, delivery.write(tmp_path))
        assert (code, [(v["branch_code"], v["business_date"], v["revision"], v["verdict"]) for v in verdicts]) == (
            0, [("96", delivery.date, 1, "published")],
        )  # fmt: skip
        assert list(no_bank.iterdir()) == []

    def test_that_would_be_held_exits_with_1_and_names_the_row(
        self, delivery: Delivery, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        delivery.edit("loan_book", 2, overdue_since="")
        code, (verdict,) = _run(capsys, delivery.write(tmp_path))
        assert (code, verdict["verdict"]) == (1, "held")
        assert [(f["dataset"], f["row"], f["column"]) for f in verdict["findings"]] == [
            ("loan_book", 2, "overdue_since")
        ]

    def test_that_would_be_refused_exits_with_2(
        self, delivery: Delivery, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        delivery.manifest["currencyUnit"] = "thousand VND"
        code, (verdict,) = _run(capsys, delivery.write(tmp_path))
        assert (code, verdict["verdict"], verdict["findings"][0]["rule"]) == (2, "refused", "currency-unit")

    def test_that_is_not_complete_exits_with_3(
        self, delivery: Delivery, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = delivery.write(tmp_path)
        (folder / "datapackage.json").unlink()
        assert _run(capsys, folder)[0] == 3

    def test_lies_in_a_folder_named_as_the_contract_says(
        self, delivery: Delivery, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = delivery.write(tmp_path).rename(tmp_path / "tonight")
        code, (verdict,) = _run(capsys, folder)
        assert (code, verdict["findings"][0]["rule"]) == (2, "identity")

    def test_that_is_no_folder_is_wrong_usage(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert _run(capsys, tmp_path / "96/2025-09-29/r1")[0] == 64

    def test_is_not_the_folder_above_it(
        self, delivery: Delivery, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = delivery.write(tmp_path)
        assert [_run(capsys, place)[0] for place in (folder.parent, folder.parent.parent)] == [64, 64]

    def test_checked_by_a_process_that_is_ended_leaves_nothing_behind(
        self, delivery: Delivery, tmp_path: Path, no_bank: Path
    ) -> None:
        command = [sys.executable, "-m", "pipeline", "check", str(delivery.write(tmp_path))]
        environment = os.environ | {"TMPDIR": str(no_bank)}
        with subprocess.Popen(command, cwd=PROJECT, env=environment, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            while "validating" not in process.stderr.readline():
                assert process.poll() is None
            process.send_signal(signal.SIGTERM)
        assert process.returncode != 0
        assert list(no_bank.iterdir()) == []


def _office(**values: str) -> dict[str, str]:
    row = {
        "office_code": "960001",
        "name": "Hội sở",
        "kind": "branch_office",
        "commune_code": "31825",
        "opened_on": "2010-01-01",
        "closed_on": "",
    }
    return row | values


class TestAFile:
    def test_that_is_read_exactly_is_written_as_plain_csv(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        names = COLUMNS["offices"].split()[::-1]
        rows = [_office(), _office(office_code="007", name='Tổ "A"; B')]
        lines = [";".join(names)] + [
            ";".join("'" + row[name].replace("'", "''") + "'" if row[name] else "" for name in names) for row in rows
        ]
        path, out = tmp_path / "offices.csv.gz", tmp_path / "read.csv"
        path.write_bytes(gzip.compress(("\r\n".join(lines) + "\r\n").encode("utf-8-sig")))
        dialect = json.dumps({"delimiter": ";", "quoteChar": "'", "lineTerminator": "\r\n"})
        code, (verdict,) = _run(
            capsys, path, "--contract", OFFICES, "--dialect", dialect, "--encoding", "utf-8-sig", "--out", out
        )
        assert (code, verdict["verdict"], verdict["findings"]) == (0, "published", [])
        content = out.read_bytes().decode()
        assert "\r" not in content
        assert content.splitlines()[0] == ",".join(names[::-1])
        assert list(csv.DictReader(content.splitlines())) == rows

    def test_that_is_wrong_exits_with_1_and_leaves_what_was_there(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path, out = tmp_path / "offices.csv", tmp_path / "read.csv"
        path.write_bytes(to_csv("offices", [_office(opened_on="01/02/2020"), _office()]))
        out.write_text("from yesterday")
        code, (verdict,) = _run(capsys, path, "--contract", OFFICES, "--out", out)
        assert code == 1
        assert {(f["rule"], f["row"], f["column"]) for f in verdict["findings"]} == {
            ("type-error", 1, "opened_on"), ("primary-key", 1, "office_code"), ("primary-key", 2, "office_code"),
        }  # fmt: skip
        assert out.read_text() == "from yesterday"
        assert sorted(file.name for file in tmp_path.iterdir() if file.is_file()) == ["offices.csv", "read.csv"]

    def test_of_which_nobody_reads_the_findings_to_their_end_is_not_good(self, tmp_path: Path) -> None:
        path = tmp_path / "offices.csv"
        path.write_bytes(to_csv("offices", [_office(opened_on="01/02/2020")] * 2000))
        command = [sys.executable, "-m", "pipeline", "check", path, "--contract", OFFICES]
        with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.close()
        assert process.returncode == 128 + signal.SIGPIPE

    @pytest.mark.parametrize(
        "kind", ["pipe", "folder", "link to a pipe", "link to a folder", "link to itself", "no name"]
    )
    def test_is_not_written_over_what_is_no_regular_file(
        self, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("offices.csv").write_bytes(to_csv("offices", [_office()]))
        os.mkfifo("pipe")
        Path("folder").mkdir()
        targets = {"link to a pipe": "pipe", "link to a folder": "folder", "link to itself": "link to itself"}
        if kind in targets:
            Path(kind).symlink_to(targets[kind])
        before = {file.name: file.lstat().st_ino for file in tmp_path.iterdir()}
        try:
            code = cli.main(
                ["check", "offices.csv", "--contract", str(OFFICES), "--out", "" if kind == "no name" else kind]
            )
        except SystemExit as end:
            code = int(end.code or 0)
        assert code == 64
        assert "regular file" in capsys.readouterr().err
        assert {file.name: file.lstat().st_ino for file in tmp_path.iterdir()} == before
        assert not any(Path("folder").iterdir())

    @pytest.mark.parametrize("is_there", [True, False])
    def test_is_written_where_a_link_points_and_the_link_stays(
        self, is_there: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path, elsewhere, link = tmp_path / "offices.csv", tmp_path / "elsewhere", tmp_path / "link.csv"
        path.write_bytes(to_csv("offices", [_office()]))
        elsewhere.mkdir()
        link.symlink_to("elsewhere/read.csv")
        if is_there:
            (elsewhere / "read.csv").write_text("from yesterday")
        code, _ = _run(capsys, path, "--contract", OFFICES, "--out", link)
        assert code == 0
        assert link.is_symlink()
        assert (elsewhere / "read.csv").read_bytes().startswith(b"office_code,")
        assert [file.name for file in elsewhere.iterdir()] == ["read.csv"]

    @pytest.mark.parametrize(
        "arguments",
        [
            ["offices.csv", "--contract", "nowhere.odcs.yaml"],
            ["nowhere.csv", "--contract", OFFICES],
            ["offices.docx", "--contract", OFFICES],
            ["offices.csv", "--contract", OFFICES, "--dialect", "[]"],
            ["offices.csv", "--contract", OFFICES, "--out", "nowhere/read.csv"],
            ["offices.csv"],
            [".", "--encoding", "utf-8"],
        ],
        ids=str,
    )
    def test_with_arguments_that_make_no_sense_exits_with_64(
        self,
        arguments: list[object],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.chdir(tmp_path)
        for name in ("offices.csv", "offices.docx"):
            (tmp_path / name).write_bytes(to_csv("offices", [_office()]))
        try:
            code = _run(capsys, *arguments)[0]
        except SystemExit as end:
            code = int(end.code or 0)
        assert code == 64

    def test_with_a_dialect_that_cannot_be_read_exactly_is_refused(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "offices.csv"
        path.write_bytes(to_csv("offices", [_office()]))
        code, (verdict,) = _run(capsys, path, "--contract", OFFICES, "--dialect", '{"quoteChar": "ab"}')
        assert (code, [f["rule"] for f in verdict["findings"]]) == (1, ["dialect-error"])
