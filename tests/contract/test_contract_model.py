"""The contract files are valid, say what the extract contract says, and nothing in them is read past."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard

from contract.errors import ContractError
from contract.model import DATASET_NAMES, DATASETS_FOLDER, Column, ColumnType, load_contract, load_datasets

SECTION_4 = Path(__file__).parent / "section4.txt"
"""The datasets of the extract contract, section 4: `name kind`, then one line a column with key and null marks."""


def describe(column: Column) -> str:
    mark = "*" if column.is_key else "?" if column.nullable else ""
    words = f" {{{', '.join(column.values)}}}" if column.values else ""
    limits = "" if column.type is not ColumnType.INT else f" {column.minimum}-{column.maximum or ''}"
    flags = (" signed" if column.is_signed else "") + (" pii" if column.is_pii else "")
    reference = column.reference
    target = f" -> {reference.dataset}" if reference is not None and reference.is_blocking else ""
    return f"  {column.name}{mark} {column.type}{words}{limits}{flags}{target}"


def test_contract_files_say_what_section_4_of_the_extract_contract_says() -> None:
    lines = []
    for dataset in load_datasets().values():
        lines.append(f"{dataset.name} {dataset.kind}{' large' if dataset.is_large else ''}")
        lines += [describe(column) for column in dataset.columns]
    assert "\n".join(lines) == SECTION_4.read_text(encoding="utf-8").strip()


@pytest.mark.parametrize("name", DATASET_NAMES)
def test_contract_file_follows_the_open_data_contract_standard(name: str) -> None:
    path = DATASETS_FOLDER / f"{name}.odcs.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert OpenDataContractStandard.from_file(str(path)).name == name
    schema = json.loads((resources.files("open_data_contract_standard") / "schema.json").read_text())
    jsonschema.Draft201909Validator(schema).validate(document)


def test_folder_holds_the_fifteen_datasets_and_nothing_else() -> None:
    assert {path.name for path in DATASETS_FOLDER.iterdir()} == {f"{name}.odcs.yaml" for name in DATASET_NAMES}
    assert tuple(load_datasets()) == DATASET_NAMES
    assert len(DATASET_NAMES) == 15


def test_every_dataset_and_column_is_described_in_a_sentence() -> None:
    for dataset in load_datasets().values():
        for text in (dataset.description, *(column.description for column in dataset.columns)):
            assert re.fullmatch(r"[A-Z0-9].{3,}\.", text), f"{dataset.name}: {text!r}"


def test_sql_types_are_those_that_hold_every_value_of_the_contract() -> None:
    loan_book = load_datasets()["loan_book"]
    found = {name: loan_book.column(name).sql_type for name in ("contract_no", "disbursed_on", "rate_pct")}
    assert found == {"contract_no": 'text collate "C"', "disbursed_on": "date", "rate_pct": "numeric"}
    assert loan_book.column("in_term_vnd").sql_type == "bigint"
    assert loan_book.column("is_restructured").sql_type == "boolean"


def plain_contract() -> dict[str, Any]:
    properties = [
        {"name": "id", "logicalType": "string", "physicalType": "code", "required": True, "primaryKey": True},
        {"name": "day", "logicalType": "date"},
        {"name": "amount", "logicalType": "integer", "logicalTypeOptions": {"minimum": -5}},
    ]
    return {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": "x",
        "version": "1",
        "schema": [{"name": "things", "properties": properties}],
    }


def write(folder: Path, document: Any) -> Path:
    path = folder / "things.odcs.yaml"
    path.write_text(document if isinstance(document, str) else yaml.safe_dump(document), encoding="utf-8")
    return path


def test_a_contract_of_another_kind_of_table_is_read_too(tmp_path: Path) -> None:
    things = load_contract(write(tmp_path, plain_contract()))
    assert (things.name, things.kind, things.key) == ("things", "full", ("id",))
    assert [column.type for column in things.columns] == [ColumnType.CODE, ColumnType.DATE, ColumnType.VND]
    assert things.column("amount").is_signed
    assert things.column("amount").minimum == -5


def column_of(document: dict[str, Any], number: int = 0) -> dict[str, Any]:
    column: dict[str, Any] = document["schema"][0]["properties"][number]
    return column


NOT_UNDERSTOOD: list[tuple[str, Callable[[dict[str, Any]], Any], str]] = [
    ("unknown key", lambda d: d.update(rules="x"), "rules|standard"),
    ("quality rule", lambda d: column_of(d).update(quality=[{"type": "sql", "query": "select 1"}]), "quality"),
    ("table quality", lambda d: d["schema"][0].update(quality=[{"metric": "rowCount"}]), "quality"),
    ("unique", lambda d: column_of(d).update(unique=True), "unique"),
    ("unknown option", lambda d: column_of(d, 2).update(logicalTypeOptions={"multipleOf": 5}), "multipleOf"),
    ("fraction", lambda d: column_of(d, 2).update(logicalTypeOptions={"minimum": 0.5}), "whole number"),
    ("other format", lambda d: column_of(d, 1).update(logicalTypeOptions={"format": "dd/MM/yyyy"}), "format"),
    ("SQL type", lambda d: column_of(d).update(physicalType="varchar(10)"), r"varchar\(10\)"),
    ("types differ", lambda d: column_of(d).update(logicalType="integer"), "is code, which is no integer"),
    ("list", lambda d: column_of(d).update(logicalType="array", physicalType=None), "array"),
    ("number words", lambda d: column_of(d).update(enum=[{"value": 7}]), "quoted"),
    ("no words", lambda d: column_of(d).update(physicalType="enum"), "no words"),
    ("words for a date", lambda d: column_of(d, 1).update(enum=[{"value": "2024-01-01"}]), "words"),
    ("look-ahead", lambda d: column_of(d).update(logicalTypeOptions={"pattern": "(?=a)"}), "exactly"),
    ("space class", lambda d: column_of(d).update(logicalTypeOptions={"pattern": r"a\s"}), "exactly"),
    ("broken pattern", lambda d: column_of(d).update(logicalTypeOptions={"pattern": "a("}), "compiled"),
    ("doubled column", lambda d: column_of(d).update(name="day"), "two of one name"),
    ("empty key", lambda d: column_of(d).update(required=False), "not required"),
    ("key order", lambda d: [column_of(d, n).update(primaryKey=True, required=True, primaryKeyPosition=2 - n)
                             for n in (0, 1)], "order"),
    ("two tables", lambda d: d["schema"].append(copy.deepcopy(d["schema"][0])), "2 tables"),
    ("no columns", lambda d: d["schema"][0].update(properties=[]), "no column"),
    ("old standard", lambda d: d.update(apiVersion="v2.2.2"), "v3"),
    ("not a list", lambda d: d.update(schema="things"), "standard"),
    ("unknown kind", lambda d: d["schema"][0].update(customProperties=[{"property": "deliveryKind", "value": "some"}]),
     "neither full nor events"),
    ("reference", lambda d: column_of(d).update(relationships=[{"to": "a.b"}, {"to": "c.d"}]), "more than one"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "says"), [case[1:] for case in NOT_UNDERSTOOD], ids=[c[0] for c in NOT_UNDERSTOOD])
def test_contract_that_is_not_understood_in_full_is_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], Any], says: str
) -> None:
    document = plain_contract()
    change(document)
    with pytest.raises(ContractError, match=says):
        load_contract(write(tmp_path, document))


@pytest.mark.parametrize(
    ("text", "says"),
    [("kind: DataContract\nkind: DataContract\n", "doubled"), ("- a", "mapping"), ("a: [", "YAML"), ("", "mapping")],
)
def test_file_that_is_no_plain_yaml_mapping_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ContractError, match=says):
        load_contract(write(tmp_path, text))


def test_missing_contract_file_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"absent\.odcs\.yaml"):
        load_contract(tmp_path / "absent.odcs.yaml")
