"""Read a dataset from an Open Data Contract Standard v3 file.

A contract decides what is accepted, so nothing in it is skipped: a statement that this module does not act on, and
that is not plain documentation, is an error. `physicalType` names one of the types of the extract contract, section 3;
where it is absent the logical type stands for one (`string` text, `integer` vnd, `number` decimal, `date` date,
`timestamp` timestamp, `boolean` flag).
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, Literal, cast

import pyarrow as pa
import pyarrow.compute as pc
import yaml
from open_data_contract_standard.model import OpenDataContractStandard
from pydantic import ValidationError

from contract.errors import ContractError
from contract.model import LONGEST_CODE, LONGEST_TEXT, Column, ColumnType, Dataset, Reference

LOGICAL_TYPES: Mapping[ColumnType, frozenset[str]] = {
    ColumnType.CODE: frozenset({"string"}),
    ColumnType.TEXT: frozenset({"string"}),
    ColumnType.ENUM: frozenset({"string"}),
    ColumnType.DATE: frozenset({"date"}),
    ColumnType.MONTH: frozenset({"date", "string"}),
    ColumnType.TIMESTAMP: frozenset({"timestamp"}),
    ColumnType.VND: frozenset({"integer"}),
    ColumnType.INT: frozenset({"integer"}),
    ColumnType.RATE: frozenset({"number"}),
    ColumnType.DECIMAL: frozenset({"number"}),
    ColumnType.FLAG: frozenset({"boolean"}),
}
IMPLIED_TYPES = {
    "string": ColumnType.TEXT,
    "integer": ColumnType.VND,
    "number": ColumnType.DECIMAL,
    "date": ColumnType.DATE,
    "timestamp": ColumnType.TIMESTAMP,
    "boolean": ColumnType.FLAG,
}
CODE_PATTERN = "^[0-9A-Za-z._-]{1,24}$"
FORMATS: Mapping[ColumnType, frozenset[str]] = {
    ColumnType.DATE: frozenset({"yyyy-MM-dd"}),
    ColumnType.MONTH: frozenset({"yyyy-MM"}),
    ColumnType.TIMESTAMP: frozenset({"yyyy-MM-dd'T'HH:mm:ssXXX"}),
    ColumnType.VND: frozenset({"i64"}),
    ColumnType.INT: frozenset({"i64"}),
}
TEXTS = (ColumnType.CODE, ColumnType.TEXT, ColumnType.ENUM, ColumnType.MONTH)
NUMBERS = (ColumnType.VND, ColumnType.INT, ColumnType.RATE, ColumnType.DECIMAL)

DOCUMENTATION = {"id", "description", "businessName", "tags", "authoritativeDefinitions", "synonyms", "deprecated"}
CONTRACT_KEYS = DOCUMENTATION | {
    "apiVersion", "kind", "name", "version", "status", "tenant", "domain", "dataProduct", "schema", "support", "price",
    "team", "roles", "slaProperties", "slaDefaultElement", "customProperties", "contractCreatedTs", "servers",
    "context",
}  # fmt: skip
SCHEMA_KEYS = DOCUMENTATION | {
    "name", "logicalType", "physicalType", "physicalName", "dataGranularityDescription", "customProperties",
    "properties", "context",
}  # fmt: skip
PROPERTY_KEYS = DOCUMENTATION | {
    "name", "logicalType", "physicalType", "logicalTypeOptions", "enum", "required", "primaryKey", "primaryKeyPosition",
    "classification", "relationships", "examples", "criticalDataElement",
}  # fmt: skip
UNSAFE_PATTERN = re.compile(r"\\[^dDwWtnrfvb.^$*+?()\[\]{}|/\\-]|\[\[?[:.=]|\(\?(?!:)|\[\^?\]")
"""What RE2, which checks the values, reads otherwise than ECMA-262, which the standard names."""


class _StrictLoader(yaml.CSafeLoader):
    """YAML without doubled keys, of which the plain loader silently keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        doubled = {str(key) for key in keys if keys.count(key) > 1}
        if doubled:
            raise yaml.constructor.ConstructorError(
                None, None, f"key doubled: {', '.join(sorted(doubled))}", node.start_mark
            )
        return super().construct_mapping(node, deep)


def read_contract(path: Path) -> Dataset:
    """Return the one dataset that the contract at `path` describes. Errors: ContractError."""
    document = _load_document(path)
    _require_known(document, CONTRACT_KEYS, path, "the contract")
    if document.get("kind") != "DataContract" or not str(document.get("apiVersion", "")).startswith("v3."):
        raise _error(path, "it is not a data contract of the Open Data Contract Standard v3")
    schema = document.get("schema") or []
    if len(schema) != 1:
        raise _error(path, f"it describes {len(schema)} tables, not one")
    return _read_schema(schema[0], path)


def _load_document(path: Path) -> dict[str, Any]:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _error(path, f"it cannot be read as YAML: {error}") from error
    if not isinstance(document, dict):
        raise _error(path, "it is not a YAML mapping")
    try:
        OpenDataContractStandard.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _error(path, f"it does not follow the standard at {place}: {first['msg']}") from error
    return document


def _read_schema(schema: dict[str, Any], path: Path) -> Dataset:
    name = schema.get("name")
    if not name:
        raise _error(path, "its table has no name")
    _require_known(schema, SCHEMA_KEYS, path, f"table {name}")
    custom = _custom_properties(schema, {"deliveryKind", "isLarge"}, path, f"table {name}")
    kind = custom.get("deliveryKind", "full")
    if kind not in ("full", "events"):
        raise _error(path, f"deliveryKind of {name} is {kind!r}, neither full nor events")
    properties = schema.get("properties") or []
    columns = tuple(_read_column(entry, path) for entry in properties)
    names = [column.name for column in columns]
    if not names or len(set(names)) < len(names):
        raise _error(path, f"table {name} has no column, or two of one name")
    positions = [entry.get("primaryKeyPosition", 1) for entry in properties if entry.get("primaryKey")]
    if len(positions) > 1 and positions != list(range(1, len(positions) + 1)):
        raise _error(path, f"the key columns of {name} do not stand in the order of their primaryKeyPosition from 1")
    return Dataset(
        name=name,
        kind=cast(Literal["full", "events"], kind),
        is_large=bool(custom.get("isLarge", False)),
        columns=columns,
        description=(schema.get("description") or "").strip(),
    )


def _read_column(entry: dict[str, Any], path: Path) -> Column:
    name = entry.get("name")
    if not name or re.search(r"[\x00-\x1f\x7f]", name):
        raise _error(path, f"a column is named {name!r}")
    where = f"column {name}"
    _require_known(entry, PROPERTY_KEYS, path, where)
    type_ = _read_type(entry, path, where)
    options = dict(entry.get("logicalTypeOptions") or {})
    _take_fixed_options(options, type_, path, where)
    limits = {key: _take_whole(options, key, path, where) for key in ("minimum", "maximum") if type_ in NUMBERS}
    lengths = {key: _take_whole(options, key, path, where) for key in ("minLength", "maxLength") if type_ in TEXTS}
    pattern = options.pop("pattern", None)
    if options:
        raise _error(path, f"{where} has the option {', '.join(sorted(options))}, which is not understood for {type_}")
    if type_ is ColumnType.INT and (limits["minimum"] or 0) < 0:
        raise _error(path, f"{where} is an int with a minimum below 0; an int has no sign")
    is_key = bool(entry.get("primaryKey", False))
    nullable = not entry.get("required", False)
    if is_key and nullable:
        raise _error(path, f"{where} is a key column but not required")
    return Column(
        name=name,
        type=type_,
        description=(entry.get("description") or "").strip(),
        nullable=nullable,
        is_key=is_key,
        is_pii=entry.get("classification") == "pii",
        values=_read_words(entry, type_, path, where),
        is_signed=type_ is ColumnType.VND and (limits["minimum"] is None or limits["minimum"] < 0),
        minimum=limits.get("minimum"),
        maximum=limits.get("maximum"),
        min_length=lengths.get("minLength") or (1 if type_ is ColumnType.CODE else None),
        max_length=lengths.get("maxLength") or _longest(type_),
        pattern=_read_pattern(pattern, type_, path, where),
        reference=_read_reference(entry, path, where),
    )


def _longest(type_: ColumnType) -> int | None:
    return {ColumnType.CODE: LONGEST_CODE, ColumnType.TEXT: LONGEST_TEXT}.get(type_)


def _read_type(entry: dict[str, Any], path: Path, where: str) -> ColumnType:
    logical, physical = entry.get("logicalType"), entry.get("physicalType")
    if physical is None:
        if logical not in IMPLIED_TYPES:
            raise _error(path, f"{where} has the logical type {logical!r}, which is not understood")
        return ColumnType.ENUM if logical == "string" and entry.get("enum") else IMPLIED_TYPES[logical]
    if physical not in set(ColumnType):
        raise _error(path, f"{where} has the physical type {physical!r}; known are {', '.join(ColumnType)}")
    type_ = ColumnType(physical)
    if logical is not None and logical not in LOGICAL_TYPES[type_]:
        raise _error(path, f"{where} is {physical}, which is no {logical}")
    return type_


def _take_fixed_options(options: dict[str, Any], type_: ColumnType, path: Path, where: str) -> None:
    """Remove the options that say what the type means anyway; refuse those that say something else."""
    if "format" in options and options.pop("format") not in FORMATS.get(type_, frozenset()):
        raise _error(path, f"{where} has a format other than that of {type_}")
    if type_ is ColumnType.TIMESTAMP and options.pop("timezone", True) is not True:
        raise _error(path, f"{where} is a timestamp without offset")


def _take_whole(options: dict[str, Any], key: str, path: Path, where: str) -> int | None:
    value = options.pop(key, None)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise _error(path, f"{where} has a {key} that is not a whole number")
    return value


def _read_words(entry: dict[str, Any], type_: ColumnType, path: Path, where: str) -> tuple[str, ...]:
    words = tuple(item.get("value") for item in entry.get("enum") or [])
    if (type_ is ColumnType.ENUM) != bool(words) and type_ not in (ColumnType.CODE, ColumnType.TEXT):
        raise _error(path, f"{where} is {type_} and has {'' if words else 'no '}words to choose from")
    if any(not isinstance(word, str) or word == "" for word in words) or len(set(words)) < len(words):
        raise _error(path, f"{where} has words that are doubled, empty or not quoted text")
    return cast(tuple[str, ...], words)


def _read_pattern(pattern: str | None, type_: ColumnType, path: Path, where: str) -> str | None:
    if pattern is None or (type_ is ColumnType.CODE and pattern == CODE_PATTERN):
        return None
    if type_ not in (ColumnType.TEXT, ColumnType.CODE) or UNSAFE_PATTERN.search(pattern):
        raise _error(path, f"{where} has the pattern {pattern!r}, which cannot be checked exactly")
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        raise _error(path, f"{where} has a pattern that cannot be compiled: {error}") from error
    return pattern


def _read_reference(entry: dict[str, Any], path: Path, where: str) -> Reference | None:
    relationships = entry.get("relationships") or []
    if not relationships:
        return None
    target = relationships[0].get("to")
    if len(relationships) > 1 or not isinstance(target, str) or target.count(".") != 1:
        raise _error(path, f"{where} refers to more than one column, or not to dataset.column")
    custom = _custom_properties(relationships[0], {"blocking"}, path, where)
    dataset, column = target.split(".")
    return Reference(dataset=dataset, column=column, is_blocking=bool(custom.get("blocking", False)))


def _custom_properties(entry: dict[str, Any], known: set[str], path: Path, where: str) -> dict[str, Any]:
    found = {item.get("property"): item.get("value") for item in entry.get("customProperties") or []}
    _require_known(found, known, path, f"customProperties of {where}")
    return found


def _require_known(found: Mapping[Any, Any], known: set[str], path: Path, where: str) -> None:
    unknown = sorted(str(key) for key in found if key not in known)
    if unknown:
        raise _error(path, f"{where} says {', '.join(unknown)}, which is not understood")


def _error(path: Path, problem: str) -> ContractError:
    return ContractError(
        f"The contract {path.name} cannot be used: {problem}",
        remedy="Correct the contract file; see contract/datasets/ for the form that is understood.",
    )
