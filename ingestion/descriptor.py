"""`datapackage.json`: what a delivery says of itself (extract contract, section 2).

`parse_descriptor` returns a `Descriptor`, or raises `RefusalError` where the delivery cannot be identified.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, NoReturn

from contract.findings import finding
from contract.model import BIGINT_MAX
from ingestion.dialect import describe_reading

PLACE = "datapackage.json"
CONTRACT_MAJOR = "1"
HASH = re.compile(r"sha256:([0-9a-f]{64})")
SHA256 = re.compile(r"[0-9a-f]{64}")
OFFICE_STATUS = ("delivered", "closed", "missing")
ENCODINGS = ("utf-8", "utf-8-sig", "windows-1258")
FORMATS = ("csv", "parquet", "xlsx")
COMPRESSIONS = (None, "gz")
EXACT_INTEGER = 2**63 * 10**9
DEEPEST = 200
"""Arrays and objects inside each other in a descriptor; the contract's own properties need five."""
BANK_TIME = dt.timezone(dt.timedelta(hours=7))
FIRST_MOMENT = dt.datetime(1, 1, 2, tzinfo=BANK_TIME)
LAST_MOMENT = dt.datetime.max.replace(tzinfo=BANK_TIME)
"""What Python and PostgreSQL can both say in UTC and in the bank's time; no date of the bank lies before, none after."""


class RefusalError(Exception):
    """The delivery is refused; `findings` (FINDING_SCHEMA) says why."""

    def __init__(self, rule: str, message: str, *, column: str | None = None, value: str | None = None) -> None:
        super().__init__(message)
        self.findings = finding(PLACE, rule, message, column=column, value=value)


@dataclass(frozen=True)
class Resource:
    """One file of the delivery, as declared."""

    dataset: str
    path: str
    format: str
    encoding: str
    compression: str | None
    dialect: dict[str, Any] | None
    bytes: int
    sha256: str
    row_count: int
    control_totals: dict[str, int]
    key_checksum: int

    @property
    def has_known_form(self) -> bool:
        """True when format, encoding and compression are ones that the contract names: only then it can be read."""
        return self.format in FORMATS and self.encoding.lower() in ENCODINGS and self.compression in COMPRESSIONS

    @property
    def reading(self) -> str:
        """How the uncompressed bytes are read, as far as they do not say so themselves; "" for the default."""
        return describe_reading(self.format, self.encoding, self.dialect)


@dataclass(frozen=True)
class Descriptor:
    """The whole descriptor, typed. `offices` maps codes to their status."""

    branch_code: str
    business_date: dt.date
    revision: int
    previous_business_date: dt.date | None
    supersedes: str | None
    cob_completed_at: dt.datetime
    working_day: bool
    offices: tuple[tuple[str, str, str], ...]
    resources: tuple[Resource, ...]


def parse_descriptor(content: bytes) -> Descriptor:
    """Read a descriptor. Raises RefusalError: not JSON, a property lacking or of another type, unknown version or currency."""
    raw = _load(content)
    version = _need(raw, "contractVersion", str)
    if version.split(".")[0] != CONTRACT_MAJOR:
        raise RefusalError(
            "package-error",
            f"Contract version {version!r} is not known; deliver by version 1.",
            column="contractVersion",
            value=version,
        )
    currency = _need(raw, "currencyUnit", str)
    if currency != "VND":
        raise RefusalError(
            "currency-unit",
            "currencyUnit must be VND: send every amount in đồng, not in thousands or millions.",
            column="currencyUnit",
            value=currency,
        )
    resources = tuple(_resource(item, n) for n, item in enumerate(_need(raw, "resources", list), 1))
    repeated = [name for name, count in Counter(resource.dataset for resource in resources).items() if count > 1]
    if repeated:
        _refuse("resources", f"has {repeated[0]} more than once; list one file a dataset")
    repeated = [path for path, count in Counter(resource.path for resource in resources).items() if count > 1]
    if repeated:
        _refuse("resources", f"lists the file {repeated[0]} for two datasets; give each dataset its own file")
    return Descriptor(
        branch_code=_need(raw, "branchCode", str),
        business_date=_date(raw, "businessDate"),
        revision=_count(raw, "revision", minimum=1),
        previous_business_date=_date(raw, "previousBusinessDate", nullable=True),
        supersedes=_supersedes(raw),
        cob_completed_at=_timestamp(raw, "cobCompletedAt"),
        working_day=_need(raw, "workingDay", bool),
        offices=tuple(_office(item, n) for n, item in enumerate(_need(raw, "offices", list), 1)),
        resources=resources,
    )


def _load(content: bytes) -> dict[str, Any]:
    try:
        raw = json.loads(
            content.decode("utf-8"), object_pairs_hook=_no_doubles, parse_constant=_no_constant, parse_float=_no_float
        )
    except UnicodeDecodeError as error:
        raise RefusalError("encoding-error", f"{PLACE} must be UTF-8.") from error
    except (ValueError, RecursionError) as error:
        raise RefusalError(
            "package-error", f"{PLACE} is not valid JSON: {str(error)[:200]}. Write it again."
        ) from error
    if not isinstance(raw, dict):
        raise RefusalError("package-error", f"{PLACE} must hold one JSON object.")
    _require_storable(raw)
    return raw


def _require_storable(raw: dict[str, Any]) -> None:
    """Raise RefusalError for what no database takes: NUL, half a surrogate pair, or arrays and objects too deep.

    The depth has a bound of its own: what Python could read here, it might not where it is read again, deeper in calls.
    """
    values: list[Any] = [raw]
    for _ in range(DEEPEST):
        texts = [value for value in values if isinstance(value, str)]
        if any(re.search("[\x00\ud800-\udfff]", text) for text in texts):
            raise RefusalError(
                "package-error", f"{PLACE} holds the character NUL or half a surrogate pair; write it again."
            )
        pairs = [pair for value in values if isinstance(value, dict) for pair in value.items()]
        values = [item for value in [*values, *pairs] if isinstance(value, list | tuple) for item in value]
        if not values:
            return
    raise RefusalError(
        "package-error", f"{PLACE} has arrays or objects nested more than {DEEPEST} deep; write it flat."
    )


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    doubled = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
    if doubled:
        raise ValueError(f"the property {doubled[0]!r} stands twice")
    return dict(pairs)


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number")


@dataclass(frozen=True, repr=False)
class _Decimal:
    """A JSON number with a fraction or exponent: kept and shown as it is written, no property of ours takes one."""

    text: str

    def __repr__(self) -> str:
        return self.text


def _no_float(text: str) -> _Decimal:
    if len(text) > 40 or re.search(r"[eE][+-]?[0-9]{4,}", text):
        raise ValueError(f"{text[:40]} is not a number of this contract")
    return _Decimal(text)


def _refuse(name: str, problem: str, value: Any = None) -> NoReturn:
    shown = None if value is None else str(value)[:100]
    raise RefusalError("package-error", f"{PLACE}: `{name}` {problem}.", column=name[:60], value=shown)


def _need(raw: Any, name: str, kind: type, where: str = "") -> Any:
    label = f"{where}{name}"
    if not isinstance(raw, dict) or name not in raw:
        _refuse(label, "is lacking; add it")
    value = raw[name]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        _refuse(label, f"must be a JSON {_JSON_NAMES[kind]}", value)
    return value


_JSON_NAMES = {str: "string", int: "whole number", bool: "boolean", list: "array", dict: "object"}


def _count(raw: Any, name: str, where: str = "", minimum: int = 0) -> int:
    value = int(_need(raw, name, int, where))
    if not minimum <= value <= BIGINT_MAX:
        _refuse(f"{where}{name}", f"must be at least {minimum} and fit a 64-bit number", value)
    return value


def _date(raw: Any, name: str, *, nullable: bool = False) -> Any:
    if nullable and isinstance(raw, dict) and name in raw and raw[name] is None:
        return None
    text = _need(raw, name, str)
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return dt.date.fromisoformat(text)
    except ValueError:
        pass
    _refuse(name, "must be a date written YYYY-MM-DD", text)


def _timestamp(raw: Any, name: str) -> dt.datetime:
    """Return the moment in the bank's time; where the calendar has none, its first or last one, which compares alike."""
    text = _need(raw, name, str)
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,15}(Z|[+-][0-9]{2}:[0-9]{2})", text):
            moment = dt.datetime.fromisoformat(text)
            return min(max(moment, FIRST_MOMENT), LAST_MOMENT).astimezone(BANK_TIME)
    except ValueError:
        pass
    _refuse(name, "must be a timestamp with offset, such as 2025-09-30T18:30:00+07:00", text)


def _supersedes(raw: dict[str, Any]) -> str | None:
    if "supersedes" not in raw and raw.get("revision") == 1:
        _refuse("supersedes", "is lacking; write null in the first revision")
    value = raw.get("supersedes")
    if value is not None and not (isinstance(value, str) and SHA256.fullmatch(value)):
        _refuse("supersedes", "must be null or 64 hex digits", value)
    return value


def _office(raw: Any, number: int) -> tuple[str, str, str]:
    where = f"offices[{number}]."
    status = _need(raw, "status", str, where)
    if status not in OFFICE_STATUS:
        _refuse(f"{where}status", f"must be one of {', '.join(OFFICE_STATUS)}", status)
    reason = raw.get("reason")
    if reason is not None and not isinstance(reason, str):
        _refuse(f"{where}reason", "must be a string or null", reason)
    return _need(raw, "officeCode", str, where), status, reason or ""


def _resource(raw: Any, number: int) -> Resource:
    where = f"resources[{number}]."
    name = _need(raw, "name", str, where)
    where = f"resources[{name[:40]}]."
    found = HASH.fullmatch(_need(raw, "hash", str, where))
    if not found:
        _refuse(f"{where}hash", "must be sha256: and 64 hex digits", raw["hash"])
    totals = _need(raw, "controlTotals", dict, where)
    for column, total in totals.items():
        if isinstance(total, bool) or not isinstance(total, int) or abs(total) > EXACT_INTEGER:
            _refuse(f"{where}controlTotals", f"must give {column[:60]} as a whole number of đồng", total)
    dialect = raw.get("dialect")
    if dialect is not None and not isinstance(dialect, dict):
        _refuse(f"{where}dialect", "must be an object", dialect)
    compression = raw.get("compression")
    if compression is not None and not isinstance(compression, str):
        _refuse(f"{where}compression", "must be gz or absent", compression)
    encoding = raw.get("encoding", "utf-8")
    if not isinstance(encoding, str):
        _refuse(f"{where}encoding", "must be a string", encoding)
    return Resource(
        dataset=name,
        path=_plain_name(_need(raw, "path", str, where), where),
        format=_need(raw, "format", str, where),
        encoding=encoding,
        compression=compression,
        dialect=dialect,
        bytes=_count(raw, "bytes", where),
        sha256=found[1],
        row_count=_count(raw, "rowCount", where),
        control_totals=totals,
        key_checksum=_count(raw, "keyChecksum", where),
    )


def _plain_name(path: str, where: str) -> str:
    if path in ("", ".", "..", PLACE) or path.startswith("~") or re.search(r"[/\\\x00-\x1f:]", path) or len(path) > 200:
        message = f"{PLACE}: `{where}path` must be the plain name of a file in the same folder."
        raise RefusalError("unsafe-path", message, column="path", value=path[:100])
    return path
