"""A revision sends most files again as they were: they are hashed as they come, and unpacked only where they are new."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pytest

from ingestion import receive
from ingestion.descriptor import Resource
from ingestion.store import StoredFile
from pipeline.branch import verify_branch
from tests.support.deliveries import ABSENT, Delivery, first_delivery
from tests.support.warehouses import new_warehouse
from warehouse.connect import Warehouse


def read_contents(warehouse: Warehouse, revision: int) -> dict[str, str]:
    with warehouse.connect("admin") as connection:
        cursor = connection.execute(
            "select f.dataset, f.content_sha256 from meta.delivery_files as f "
            "inner join meta.deliveries as d on f.delivery_id = d.delivery_id where d.revision = %s",
            [revision],
        )
        return dict(cursor.fetchall())


def hash_contents(folder: Path) -> dict[str, str]:
    return {
        file.name.removesuffix(".csv.gz"): hashlib.sha256(gzip.decompress(file.read_bytes())).hexdigest()
        for file in folder.glob("*.csv.gz")
    }


def receive_both(warehouse: Warehouse, first: Delivery, second: Delivery) -> tuple[Path, Path]:
    landing = Path(warehouse.settings.landing)
    folders = first.write(landing), second.write(landing)
    assert [arrival.verdict for arrival in verify_branch(warehouse, first.branch)] == [None, None]
    return folders


def test_only_the_changed_files_of_a_revision_are_unpacked(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = new_warehouse(warehouse, tmp_path / "home")
    first = first_delivery("96")
    second = first.revise()
    second.rows["offices"][0]["name"] = "Phòng giao dịch Cái Nước"
    unpacked: list[str] = []
    whole = receive.content_sha256

    def note(stored: StoredFile, resource: Resource) -> str:
        unpacked.append(resource.dataset)
        return whole(stored, resource)

    monkeypatch.setattr(receive, "content_sha256", note)
    folders = receive_both(own, first, second)
    assert len(unpacked) == 15 + 1
    assert unpacked[-1] == "offices"
    assert read_contents(own, 1) == hash_contents(folders[0])
    assert read_contents(own, 2) == hash_contents(folders[1])


def test_the_same_bytes_declared_otherwise_are_another_content(warehouse: Warehouse, tmp_path: Path) -> None:
    own = new_warehouse(warehouse, tmp_path / "home")
    first = first_delivery("96")
    second = first.revise()
    second.resources["offices"] = {"compression": ABSENT}
    folders = receive_both(own, first, second)
    as_sent = hashlib.sha256((folders[1] / "offices.csv.gz").read_bytes()).hexdigest()
    assert read_contents(own, 2) == hash_contents(folders[0]) | {"offices": as_sent}
