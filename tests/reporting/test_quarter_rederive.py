"""What a quarter is derived again from: recorded inputs in the store, and the comparison of two copies."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from ingestion.store import Store
from pipeline.quarter_rederive import find_damaged_inputs, keep_reference, restore_reference
from reporting.quarter import Quarter
from reporting.quarter_compare import Copy, Difference, compare_copies
from reporting.quarter_decide import reject_draft
from reporting.quarter_freeze import freeze_quarter
from reporting.quarter_inputs import CODE, CODE_FILES, code_version
from reporting.quarter_log import read_inputs
from reporting.quarter_tables import Content, parse_contents
from tests.support.deliveries import first_delivery
from tests.support.quarters import HandMadeMarts
from warehouse.connect import Warehouse


def kept(store: Store, content: bytes) -> str:
    return store.keep(io.BytesIO(content)).sha256


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def inputs(store: Store, tmp_path: Path) -> dict[str, Any]:
    """The recorded inputs of one delivery whose files are all in the store."""
    folder = first_delivery("96", "2025-09-28").write(tmp_path)
    hashes = {file.name: kept(store, file.read_bytes()) for file in folder.iterdir()}
    delivery = {"branch_code": "96", "business_date": "2025-09-28", "revision": 1}
    return {
        "deliveries": [{**delivery, "descriptor_sha256": hashes["datapackage.json"]}],
        "reference": {"branches": kept(store, b"branch_code\n")},
    }


def spoil(file: Path) -> None:
    file.chmod(0o640)
    file.write_bytes(file.read_bytes() + b" ")


def test_inputs_that_are_whole_are_not_complained_of(store: Store, inputs: dict[str, Any]) -> None:
    assert find_damaged_inputs(store, inputs) == []


def test_each_damaged_input_is_named(store: Store, inputs: dict[str, Any]) -> None:
    descriptor = store.path(inputs["deliveries"][0]["descriptor_sha256"])
    resources = {r["name"]: r for r in json.loads(descriptor.read_text())["resources"]}
    store.path(resources["offices"]["hash"].removeprefix("sha256:")).unlink()
    spoil(store.path(resources["loan_book"]["hash"].removeprefix("sha256:")))
    spoil(store.path(inputs["reference"]["branches"]))
    assert find_damaged_inputs(store, inputs) == [
        f"reference file branches.csv ({inputs['reference']['branches'][:12]}) is not in the store with its hash",
        "96 2025-09-28 r1: offices.csv.gz is not in the store with its hash",
        "96 2025-09-28 r1: loan_book.csv.gz is not in the store with its hash",
    ]
    spoil(descriptor)
    assert find_damaged_inputs(store, inputs)[1:] == [
        "96 2025-09-28 r1: its descriptor is not in the store with its hash"
    ]


def test_the_reference_data_of_then_replace_those_of_now(quarter_warehouse: Warehouse, store: Store) -> None:
    with quarter_warehouse.connect("admin") as connection:
        installed = dict(connection.execute("select file_name, sha256 from meta.reference_versions").fetchall())
        then = kept(store, b"organisation_code,name_vi,name_en\nXX,X,X\n")
        restore_reference(connection, store, {**installed, "organisations": then})
        assert connection.execute("select organisation_code from meta.organisations").fetchall() == [("XX",)]
        changed = dict(connection.execute("select file_name, sha256 from meta.reference_versions").fetchall())
        assert changed == {**installed, "organisations": then}
        connection.rollback()


def test_the_reference_files_of_this_installation_are_kept(quarter_warehouse: Warehouse) -> None:
    keep_reference(quarter_warehouse)
    with quarter_warehouse.connect("quarter_keeper") as connection:
        hashes = connection.execute("select sha256 from meta.reference_versions").fetchall()
    assert all(Store(quarter_warehouse.settings.store).holds(sha256) for (sha256,) in hashes)


def test_the_code_version_covers_what_turns_bytes_into_figures() -> None:
    folders = {folder for folder, _ in CODE}
    assert {"contract", "ingestion", "warehouse/ddl", "dbt_project/models", "dbt_project/macros"} <= folders
    assert "reporting/quarter_tables.py" in CODE_FILES
    assert len(code_version()) == 64


def test_two_copies_are_compared_row_by_row_and_the_first_differing_rows_shown(
    quarter_warehouse: Warehouse, marts: HandMadeMarts, delivered: Quarter
) -> None:
    first = freeze_quarter(quarter_warehouse, delivered, None).version
    reject_draft(quarter_warehouse, delivered, by="minh", reason="To change it.")
    marts.change(
        f"update marts.mart_organisations set groups = 7 where business_date = '{delivered.last_on}' and branch_code = '58'"
    )
    second = freeze_quarter(quarter_warehouse, delivered, None).version
    with quarter_warehouse.connect("quarter_keeper") as one, quarter_warehouse.connect("quarter_keeper") as other:
        contents = parse_contents(read_inputs(one, first))
        found = compare_copies(Copy(one, first), Copy(other, second), contents)
        assert {name for name, difference in found.items() if difference} == {"organisations"}
        difference = found["organisations"]
        assert isinstance(difference, Difference)
        assert (difference.only_frozen, difference.only_derived) == (2, 2)
        assert f"58 | {delivered.last_on} | 56 | 1 | f | ND | 38000000 | 0" in difference.first_frozen[0]
        assert f"58 | {delivered.last_on} | 56 | 7 | f | ND | 38000000 | 0" in difference.first_derived[0]
        # A column that only one side has is left out, and the rest is still compared.
        without = {"organisations": Content([*contents["organisations"].columns, "lost"], 4, "")}
        assert compare_copies(Copy(one, first), Copy(other, first), without) == {"organisations": None}
