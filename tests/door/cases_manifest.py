"""Contract sections 1 and 2: the folder, the descriptor, and every property compared with what arrived."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from typing import Any

from tests.door.book import DATE, LOANS, opening
from tests.door.case import (
    PLACE,
    Case,
    Tamper,
    all_of,
    content,
    file,
    find,
    manifest,
    raw,
    refusal,
    resource,
    rewrite,
)
from tests.support.deliveries import ABSENT, EVENTS, Delivery

FILE = "loan_book.csv.gz"

# A value of a wrong JSON type or form for each property; what is no fitting property is lacking.
WRONG_PROPERTIES: dict[str, list[Any]] = {
    "contractVersion": [1, "", "2", "1x", "01", None],
    "branchCode": [96, None, ["96"]],
    "businessDate": [20250929, "29/09/2025", "2025-9-29", "2025-02-30", "2025-09-29T00:00:00+07:00", None],
    "revision": ["1", 1.0, 0, -1, True, None, 2**63],
    "previousBusinessDate": ["", 0, "2025-09-31", "２０２５-09-28"],
    "supersedes": ["", "r1", "A" * 64, 0],
    "cobCompletedAt": ["2025-09-29", "2025-09-29T20:00:00", "2025-09-29 20:00:00+07:00", "2025-09-29T25:00:00+07:00", 0, None],
    "workingDay": [1, "true", None],
    "currencyUnit": ["vnd", "VND ", "nghìn VND", "USD", None],
    "offices": [{}, None, ["960001"], [{"officeCode": 960001, "status": "delivered"}], [{"officeCode": "960001", "status": "open"}],
                [{"status": "delivered"}], [{"officeCode": "960001"}], [{"officeCode": "960001", "status": "delivered", "reason": 7}]],
    "resources": [{}, None, ["loan_book.csv"]],
}  # fmt: skip
WRONG_RESOURCE: dict[str, list[Any]] = {
    "name": [1, None],
    "path": [1, None, ["loan_book.csv", "loan_book_2.csv"]],
    "format": [1, None],
    "encoding": [1, None],
    "compression": [True],
    "dialect": [",", []],
    "bytes": ["10", -1, 1.5, True, None],
    "hash": ["0" * 64, "md5:" + "0" * 32, "sha256:" + "G" * 64, "sha256:" + "A" * 64, None],
    "rowCount": ["6", -1, 6.0, 1e3, None],
    "controlTotals": [
        [],
        None,
        {"in_term_vnd": "1"},
        {"in_term_vnd": 1.0},
        {"in_term_vnd": True},
        {"in_term_vnd": None},
    ],
    "keyChecksum": ["1", -1, 1.5, None],
}
UNSAFE_PATHS = [
    "", ".", "..", "../loan_book.csv.gz", "/etc/passwd", "sub/loan_book.csv.gz", "..\\loan_book.csv.gz", "C:loan_book.csv.gz",
    "~root", "loan\nbook.csv.gz", "file:///etc/passwd", PLACE, "x" * 300,
]  # fmt: skip


def _rule(name: str, value: object) -> str:
    return "currency-unit" if name == "currencyUnit" and value is not None else "package-error"


def _column(name: str, value: object) -> str:
    """Where the refusal points inside an array."""
    if name == "offices" and isinstance(value, list):
        entry = value[0]
        wrong = "officeCode" if isinstance(entry, dict) and not isinstance(entry.get("officeCode"), str) else "status"
        if isinstance(entry, dict) and "reason" in entry:
            wrong = "reason"
        return f"offices[1].{wrong}"
    if name == "resources" and isinstance(value, list):
        return "resources[1].name"
    return name


def _resource_case(name: str, what: str, change: Callable[[Delivery], object], value: object = None) -> Case:
    column = f"resources[{5 if name == 'name' else 'loan_book'}].{name}"
    return Case(f"a resource's {name} is {what}", "2", "refused", change, refusal("package-error", column))


def _nest(depth: int) -> Tamper:
    """Add a property of nobody that holds nothing but arrays in arrays."""
    return raw(lambda descriptor: descriptor[:-1] + b', "x": ' + b"[" * depth + b"]" * depth + b"}")


def _touch(name: str) -> Callable[[Any], object]:
    return lambda folder: (folder / name).write_bytes(b"unlisted")


LACKING = [
    *(Case(f"{name} is lacking", "2", "refused", manifest(**{name: ABSENT}), refusal("package-error", name))
      for name in WRONG_PROPERTIES if name != "supersedes"),
    Case("supersedes is lacking in a revision above 1", "2", "held", manifest(supersedes=ABSENT), (find("constraint-error", PLACE, None, "supersedes"),)),
    Case("supersedes is null in a revision above 1", "2", "held", manifest(supersedes=None), (find("constraint-error", PLACE, None, "supersedes"),)),
    *(_resource_case(name, "lacking", resource("loan_book", **{name: ABSENT}))
      for name in WRONG_RESOURCE if name not in ("encoding", "compression", "dialect")),
]  # fmt: skip

WRONG = [
    *(Case(f"{name} is {str(value)[:40]!r} ({type(value).__name__})", "2", "refused", manifest(**{name: value}),
           refusal(_rule(name, value), _column(name, value)))
      for name, values in WRONG_PROPERTIES.items() for value in values),
    *(_resource_case(name, f"{str(value)[:40]!r} ({type(value).__name__})", resource("loan_book", **{name: value}))
      for name, values in WRONG_RESOURCE.items() for value in values),
    *(Case(f"a file's path is {path[:40]!r}", "6", "refused",
           lambda d, path=path: d.manifest.update(resources=[_entry(d) | {"path": path}]), refusal("unsafe-path", "path"))
      for path in UNSAFE_PATHS),
]  # fmt: skip


def _entry(delivery: Delivery) -> dict[str, Any]:
    return {
        "name": "loan_book",
        "format": "csv",
        "bytes": 1,
        "hash": "sha256:" + "0" * 64,
        "rowCount": 0,
        "controlTotals": {},
        "keyChecksum": 0,
    }


AGAINST_WHAT_ARRIVED = [
    Case("the descriptor is not there yet", "6", "waiting", tamper=lambda f: (f / PLACE).unlink(), finds=refusal("package-error")),
    Case("a listed file is absent", "6", "waiting", tamper=lambda f: (f / FILE).unlink(), finds=refusal("byte-count")),
    Case("a listed file is short of its size", "6", "waiting", tamper=file(FILE, lambda b: b[:-1]), finds=refusal("byte-count")),
    Case("a listed file is longer than its size", "2", "refused", tamper=file(FILE, lambda b: b + b"\n"), finds=refusal("byte-count", "loan_book")),
    Case("a file's bytes changed after its hash was taken", "2", "refused", tamper=file(FILE, lambda b: b[:-1] + bytes([b[-1] ^ 1])),
         finds=refusal("hash-count", "loan_book")),
    Case("rowCount counts a row too many", "2", "held", resource("loan_book", rowCount=27), (find("row-count", "loan_book"),)),
    Case("rowCount counts a row too few", "2", "held", resource("loan_book", rowCount=25), (find("row-count", "loan_book"),)),
    Case("keyChecksum is one off", "2", "held", resource("offices", keyChecksum=1), (find("key-checksum", "offices"),)),
    Case("keyChecksum is greater than any", "2", "held", resource("offices", keyChecksum=2**63 - 1), (find("key-checksum", "offices"),)),
    Case("controlTotals lacks a column", "2", "held", resource("ledger_balances", controlTotals={}),
         (find("control-total", "ledger_balances", None, "closing_vnd"),)),
    Case("controlTotals names a column that is not in đồng", "2", "held", resource("offices", controlTotals={"name": 0}),
         (find("control-total", "offices", None, "name"),)),
    Case("a control total of a header-only file is not 0", "2", "held",
         all_of(lambda d: d.rows["eligible_demand"].clear(), resource("eligible_demand", controlTotals={"need_vnd": 1})),
         (find("control-total", "eligible_demand", None, "need_vnd"), find("large-change", "eligible_demand"))),
    Case("the branch code is valid only before the merger", "1", "refused", tamper=rewrite(lambda d: d.update(branchCode="95")),
         finds=refusal("identity", "branchCode")),
    Case("previousBusinessDate is the business date itself", "2", "held", manifest(previousBusinessDate=DATE),
         (find("constraint-error", PLACE, None, "previousBusinessDate"),
          find("constraint-error", "loan_transactions", 1, "value_date"), find("constraint-error", "capital_transactions", 1, "value_date"))),
    Case("the core closed the day before the business date", "2", "held", manifest(cobCompletedAt="2025-09-28T20:00:00+07:00"),
         (find("constraint-error", PLACE, None, "cobCompletedAt"), find("constraint-error", "loan_transactions", 1, "posted_at"))),
    Case("the core closed in the first hour of the next day", "2", "published", manifest(cobCompletedAt="2025-09-29T17:30:00Z")),
    Case("the core closed where the calendar ends", "2", "published", manifest(cobCompletedAt="9999-12-31T23:59:59Z"), was_red=True),
    Case("the core closed before the calendar of the bank begins", "2", "held", manifest(cobCompletedAt="0001-01-01T00:00:00+14:00"),
         (find("constraint-error", PLACE, None, "cobCompletedAt"), find("constraint-error", "loan_transactions", 1, "posted_at"),
          find("constraint-error", "absconded_cases", 1, "updated_at"),
          *(find("constraint-error", "customers", row, "changed_at") for row in range(1, LOANS + 1))), was_red=True),
    Case("a timestamp lies after cobCompletedAt", "2", "held", manifest(cobCompletedAt=f"{DATE}T09:59:59+07:00"),
         (find("constraint-error", "loan_transactions", 1, "posted_at"),)),
    Case("a working day comes without its events", "2", "held", lambda d: [d.rows.pop(name) for name in EVENTS],
         tuple(find("resource-error", name, None, "resources") for name in EVENTS)),
    Case("a full dataset is missing", "4", "held", lambda d: d.rows.pop("inspections"), (find("resource-error", "inspections", None, "resources"),)),
    Case("a dataset is unknown", "4", "held", finds=refusal("resource-error", "resources"),
         tamper=lambda f: [(f / "b").write_bytes((f / FILE).read_bytes()), rewrite(
             lambda d: d["resources"].append(d["resources"][4] | {"name": "bonuses", "path": "b"}))(f)]),
    Case("a dataset is listed twice", "2", "refused", tamper=rewrite(lambda d: d["resources"].append(d["resources"][0])),
         finds=refusal("package-error", "resources")),
    Case("two datasets name the same file", "2", "refused", tamper=rewrite(lambda d: d["resources"][1].update(path=d["resources"][0]["path"])),
         finds=refusal("package-error", "resources")),
    Case("a file is packed though no compression is declared", "2", "held", resource("inspections", compression=ABSENT),
         (find("source-error", "inspections"),)),
    Case("a file is not packed though gz is declared", "2", "held", content("inspections", lambda b: b, compression="gz"),
         (find("compression-error", "inspections"),)),
    Case("a compression is unknown", "2", "held", resource("inspections", compression="zip"),
         (find("compression-error", "inspections"),)),
    Case("a format is unknown", "2", "held", resource("inspections", format="ods"), (find("format-error", "inspections"),)),
    Case("an encoding is unknown", "2", "held", resource("inspections", encoding="latin-1"), (find("encoding-error", "inspections"),)),
    Case("an encoding is named in capitals", "2", "published", resource("inspections", encoding="UTF-8")),
    Case("a packed file is cut short inside", "6", "held",
         lambda d: d.payloads.update(inspections=gzip.compress(b"inspection_id\n" * 50)[:-9]),
         (find("compression-error", "inspections"),)),
    Case("compression is null", "2", "published", content("inspections", lambda b: b, compression=None)),
    Case("the descriptor carries properties of others", "2", "published",
         all_of(manifest(profile="tabular-data-package", created="2025"), resource("offices", title="Phòng giao dịch", schema={"fields": []}))),
    Case("a property of others is nested 100 deep", "2", "published", tamper=_nest(100)),
    Case("the version of a dialect is a JSON number", "2", "published", resource("inspections", dialect={"csvddfVersion": 1.2}), was_red=True),
    Case("the contract's minor version is newer", "2", "published", manifest(contractVersion="1.7")),
    Case("unlisted files lie in the folder", "1", "published", tamper=_touch("README.txt")),
    Case("an office is closed that day", "2", "published", lambda d: d.manifest.update(offices=[
        {"officeCode": "960001", "status": "delivered", "reason": None}, {"officeCode": "960002", "status": "closed", "reason": "Nghỉ"}])),
    Case("an office is missing", "5.6", "held", lambda d: d.manifest.update(offices=[
        {"officeCode": "960001", "status": "delivered", "reason": None}, {"officeCode": "960002", "status": "missing", "reason": "Mất điện"}]),
        (find("office-missing", PLACE, None, "offices"),)),
    Case("an open office is not listed", "5.6", "held", lambda d: d.manifest.update(offices=[{"officeCode": "960001", "status": "delivered", "reason": None}]),
         (find("office-missing", "offices", 2, "office_code"),)),
    Case("an office is listed twice", "2", "held", lambda d: d.manifest.update(offices=[
        {"officeCode": f"96000{n}", "status": "delivered", "reason": None} for n in (1, 2, 2)]), (find("constraint-error", PLACE, None, "offices"),)),
    Case("an office is listed that was not delivered", "2", "held", lambda d: d.manifest.update(offices=[
        {"officeCode": f"96000{n}", "status": "delivered", "reason": None} for n in (1, 2, 9)]), (find("foreign-key", "offices", None, "office_code"),)),
    Case("a closed office need not be listed", "5.6", "published", lambda d: d.manifest.update(offices=[
        {"officeCode": f"96000{n}", "status": "delivered", "reason": None} for n in (1, 2)])),
    Case("a day without business leaves the events out", "2", "published",
         lambda d: [d.rows.update(opening(d.branch).rows), *map(d.rows.pop, EVENTS), d.manifest.update(workingDay=False)]),
    Case("a day without business sends empty events", "2", "published",
         lambda d: [d.rows.update(opening(d.branch).rows), d.manifest.update(workingDay=False)]),
    Case("a day without business has events", "2", "held", manifest(workingDay=False),
         tuple(find("constraint-error", name, 1) for name in EVENTS)),
    Case("a first delivery has events", "2", "held",
         lambda d: d.rows["risk_decisions"].append(_decision(d)), (find("constraint-error", "risk_decisions", 1),), is_first=True),
    Case("a first delivery has none", "2", "published", is_first=True),
    Case("a first delivery where an earlier date is visible", "5.2", "held",
         lambda d: [d.rows[name].clear() for name in EVENTS] and d.manifest.update(previousBusinessDate=None),
         (find("interval-overlap", PLACE, None, "previousBusinessDate"),)),
    Case("nothing is visible at previousBusinessDate", "6", "provisional", manifest(previousBusinessDate="2025-09-28"),
         is_first=True),
]  # fmt: skip


def _decision(delivery: Delivery) -> dict[str, Any]:
    loan = delivery.rows["loan_book"][0]
    return {
        "decision_id": "Q1", "contract_no": loan["contract_no"], "customer_id": loan["customer_id"], "measure": "extend",
        "reason_code": "LU", "principal_vnd": 1, "interest_vnd": 0, "decided_on": DATE, "decision_no": "1", "effective_to": "",
    }  # fmt: skip


NOT_JSON = [
    Case("the descriptor is cut off", "6", "refused", tamper=raw(lambda b: b[:-1]), finds=refusal("package-error")),
    Case("the descriptor is empty", "6", "refused", tamper=raw(lambda b: b""), finds=refusal("package-error")),
    Case("the descriptor is an array", "6", "refused", tamper=raw(lambda b: b"[" + b + b"]"), finds=refusal("package-error")),
    Case("the descriptor has a byte order mark", "6", "refused", tamper=raw(lambda b: b"\xef\xbb\xbf" + b), finds=refusal("package-error")),
    Case("the descriptor is UTF-16", "6", "refused", tamper=raw(lambda b: b.decode().encode("utf-16")), finds=refusal("encoding-error")),
    Case("the descriptor is followed by more", "6", "refused", tamper=raw(lambda b: b + b"{}"), finds=refusal("package-error")),
    Case("a property of others is nested 700 deep", "6", "refused", tamper=_nest(700), finds=refusal("package-error"), was_red=True),
    Case("a property of others is nested 100,000 deep", "6", "refused", tamper=_nest(100_000), finds=refusal("package-error")),
    Case("the descriptor is larger than 4 MiB", "6", "refused", tamper=raw(lambda b: b + b" " * (4 << 20)), finds=refusal("package-error")),
    Case("the descriptor is a link", "6", "refused", tamper=lambda f: [(f / PLACE).rename(f / "d"), os.symlink("d", f / PLACE)],
         finds=refusal("unsafe-path")),
    Case("the descriptor is a folder", "6", "waiting", tamper=lambda f: [(f / PLACE).unlink(), (f / PLACE).mkdir()], finds=refusal("package-error")),
]  # fmt: skip

CASES = [*LACKING, *WRONG, *AGAINST_WHAT_ARRIVED, *NOT_JSON]
