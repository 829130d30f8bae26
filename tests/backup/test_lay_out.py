"""A store holds what was refused, too: laying it out takes what is a delivery and leaves the rest (law 11)."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from ingestion.store import Store
from pipeline.rebuild import lay_out
from tests.support.deliveries import first_delivery


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
    assert lay_out(store, tmp_path / "landing") == 1
    assert [path.name for path in (tmp_path / "landing").iterdir()] == ["96"]
