"""Guards of the door taken away: the case that each is there for is seen to go wrong. And files that change while they are read."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from ingestion.csv_blocks import Decoder
from ingestion.landing import Folder, Landing
from ingestion.rules import Counts
from pipeline.branch import verify_branch
from tests.door.book import DATE, following, opening
from tests.door.case import Case, edit
from tests.door.cases import CASES
from tests.door.door import Door, fresh_warehouse
from tests.support.warehouses import copy_warehouse, run_short_night, without_great_expectations
from warehouse.connect import Warehouse

Remove = Callable[[pytest.MonkeyPatch], None]


def _follow_links(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Landing, "_real", lambda _, path: path)
    patch.setattr("ingestion.landing._open_plain_file", lambda path, _: io.BytesIO(Path(path).read_bytes()))


def _believe_encodings(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("ingestion.csv_blocks.VIETNAMESE_IN_UTF8", re.compile(b"(?!)"))
    patch.setattr(Decoder, "is_probably_utf8", False)


def _unpack_anything(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("ingestion.streams.MAX_RATIO", 10**6)


WORD = Case("a word is written in capitals", "3", "held", edit("inspections", 1, body="BANK"))
GUARDS: dict[str, tuple[str, Remove]] = {
    "gzip bombs": ("a gzip bomb of many members", _unpack_anything),
    "other bombs": ("a workbook that is a bomb", lambda patch: patch.setattr("ingestion.receive.require_no_archive_bomb", lambda *_: None)),
    "links": ("a file is a link to another file of the folder", _follow_links),
    "values": (WORD.name, lambda patch: patch.setattr("ingestion.blocks.find_faults", lambda *_: [])),
    "encodings": ("text is UTF-8, declared as windows-1258", _believe_encodings),
    "roll-forward": ("a loan book in thousands", lambda patch: patch.setattr("pipeline.intake.measure_opening", lambda *_: Counts(0, 0))),
    "tie-outs": ("the ledger lacks an account", lambda patch: patch.setattr("ingestion.rules.TIE_OUTS", ())),
    "references": ("loan_book refers to group_code that is nowhere", lambda patch: patch.setattr("ingestion.rules._is_any_broken", lambda *_: False)),
    "proofs of references": ("loan_book refers to group_code that is nowhere", lambda patch: patch.setattr("ingestion.key_set._has_all", lambda *_: True)),
}  # fmt: skip


@pytest.fixture(scope="module")
def model(template: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A warehouse with the opening that every case follows."""
    made = fresh_warehouse(template, "guards", tmp_path_factory.mktemp("guards"))
    Door(made).send(opening("96"))
    with without_great_expectations():
        run_short_night(made)
    return made


@pytest.fixture
def door(model: Warehouse, tmp_path: Path) -> Door:
    return Door(copy_warehouse(model, tmp_path / "home"))


def judge(door: Door) -> str | None:
    """Run a night and return the last verdict on the date of the cases."""
    with without_great_expectations():
        run_short_night(door.warehouse)
    with door.warehouse.connect("admin") as connection:
        row = connection.execute(
            "select verdict from meta.ledger where business_date = %s order by entry_no desc limit 1", [DATE]
        ).fetchone()
    return row[0] if row else None


@pytest.mark.parametrize("guard", GUARDS)
def test_without_its_guard_a_case_goes_wrong(door: Door, guard: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, remove = GUARDS[guard]
    case = next(case for case in [WORD, *CASES] if case.name == name)
    delivery = following(opening("96"))
    case.change(delivery)
    case.tamper(door.send(delivery))
    remove(monkeypatch)
    assert judge(door) != case.verdict


def _cut(data: bytes) -> bytes:
    return data[:-1]


@pytest.mark.parametrize(
    ("change", "verdict"),
    [(_cut, "waiting"), (lambda data: data + b"x", "refused"), (lambda data: bytes(reversed(data)), "refused")],
    ids=["shorter", "longer", "other bytes"],
)
def test_a_file_that_changes_while_it_is_read(
    door: Door, change: Callable[[bytes], bytes], verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.send(following(opening("96")))
    with monkeypatch.context() as patch:
        patch.setattr(Landing, "open", _changing(Landing.open, change))
        arrivals = {arrival.folder.business_date: arrival.verdict for arrival in verify_branch(door.warehouse, "96")}
    assert arrivals[DATE] == verdict
    if verdict == "waiting":
        assert judge(door) == "published"


def _changing(opened: Callable[..., BinaryIO], change: Callable[[bytes], bytes]) -> Callable[..., Any]:
    def open_changed(landing: Landing, folder: Folder, name: str) -> BinaryIO:
        with opened(landing, folder, name) as file:
            data = file.read()
        return io.BytesIO(change(data) if name.startswith("inspections") else data)

    return open_changed
