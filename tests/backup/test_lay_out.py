"""A store holds what was refused, too: laying it out takes what is a delivery and leaves the rest (law 11)."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from pathlib import Path

import pytest

from contract.errors import WarehouseError
from ingestion.erase import count_rows
from ingestion.store import Store
from pipeline import cli
from pipeline.erasure import erase
from pipeline.rebuild import lay_out
from tests.support.deliveries import first_delivery
from tests.support.warehouses import new_warehouse, remove_warehouse, run_short_night, without_great_expectations
from warehouse.connect import Warehouse


@pytest.mark.parametrize(
    "wrong",
    [
        {"x": "nested"},
        {"resources": "loan_book.csv"},
        {"resources": ["loan_book.csv"]},
        {"resources": [{}]},
        {"resources": {"path": "loan_book.csv"}},
        {"businessDate": "2025-09-28\0"},
        {"branchCode": "x" * 300},
    ],
    ids=lambda wrong: str(wrong)[:40],
)
def test_a_descriptor_that_no_delivery_has_is_left_where_it_is(tmp_path: Path, wrong: dict[str, object]) -> None:
    store = Store(tmp_path / "store")
    folder = first_delivery("96").write(tmp_path / "sent")
    descriptor = json.loads((folder / "datapackage.json").read_text())
    refused = json.dumps(descriptor | {"branchCode": "58"} | wrong).replace('"nested"', "[" * 100_000 + "]" * 100_000)
    store.keep(io.BytesIO(refused.encode()))
    for file in folder.iterdir():
        with file.open("rb") as bytes_sent:
            store.keep(bytes_sent)
    (landing,) = lay_out(store, tmp_path / "landing")
    assert [path.name for path in landing.iterdir()] == ["96"]


def test_a_number_that_was_sent_again_after_it_was_held_is_laid_out_both_times(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    """The first content lacks a đồng in its control total: held. The second, under the same number, is published."""
    live, again = (new_warehouse(warehouse, tmp_path / name) for name in ("live", "again"))
    try:
        good = first_delivery("96")
        wrong = first_delivery("96")
        wrong.resources["deposits"] = {"controlTotals": {"balance_vnd": 1}}
        for delivery in (wrong, good):
            delivery.write(Path(live.settings.landing))
            take_in(live)
        published = read_verdicts(live)
        assert published == [("held", 1), ("published", 1)]
        for landing in lay_out(Store(live.settings.store), tmp_path / "landing"):
            shutil.copytree(landing, again.settings.landing, dirs_exist_ok=True)
            take_in(again)
        assert read_verdicts(again) == published
    finally:
        remove_warehouse(live)
        remove_warehouse(again)


def test_deliveries_of_which_a_person_was_erased_are_taken_in_again(
    warehouse: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their files are not those any more that the manifests declare; the second revision names the first one's manifest."""
    live, again = (new_warehouse(warehouse, tmp_path / name) for name in ("live", "again"))
    try:
        first = first_delivery("96")
        descriptor = (first.write(Path(live.settings.landing)) / "datapackage.json").read_bytes()
        take_in(live)
        revised = first.revise(hashlib.sha256(descriptor).hexdigest())
        revised.rows["customers"][2]["residence"] = "left"
        revised.write(Path(live.settings.landing))
        take_in(live)
        published = read_verdicts(live)
        assert published == [("published", 1), ("published", 2)]
        erase(live, "C9600002", "lan", "request 17", print)
        command = ["rebuild", "--store", str(live.settings.store), "--landing", str(tmp_path / "landing")]
        assert cli.main(command) == 0
        assert f"cp {live.settings.store}/erasures.json $WAREHOUSE_HOME/store" in capsys.readouterr().out
        shutil.copytree(tmp_path / "landing" / "1", again.settings.landing)
        take_in(again)
        assert read_verdicts(again) == published
        with again.connect("admin") as connection:
            assert count_rows(connection, ["C9600002"]) == 0
            assert count_rows(connection, ["C9600003"]) == 2
    finally:
        remove_warehouse(live)
        remove_warehouse(again)


def test_nothing_is_laid_out_where_something_lies(tmp_path: Path) -> None:
    (tmp_path / "landing" / "96").mkdir(parents=True)
    with pytest.raises(WarehouseError, match="Something lies in"):
        lay_out(Store(tmp_path / "store"), tmp_path / "landing")


def take_in(warehouse: Warehouse) -> None:
    with without_great_expectations():
        run_short_night(warehouse)


def read_verdicts(warehouse: Warehouse) -> list[tuple[str, int]]:
    with warehouse.connect("loader") as connection:
        return connection.execute(
            "select verdict, revision from meta.ledger where verdict <> 'erased' order by entry_no"
        ).fetchall()
