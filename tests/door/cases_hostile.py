"""Hostile input, and the other two formats: bombs, links, what changes underneath, and what only looks like data."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from tests.door.book import opening
from tests.door.case import PLACE, Case, content, edit, find, raw, refusal, rewrite
from tests.door.case import file as altered
from tests.support.deliveries import ABSENT, COLUMNS, Delivery, to_csv
from tests.support.workbooks import in_sheet

FILE = "inspections.csv.gz"
MIB = 1 << 20
BOMB = 65 * MIB


def _payload(dataset: str, make: Callable[[Delivery], bytes], **properties: Any) -> Callable[[Delivery], object]:
    """Send these bytes for a dataset under the figures of its rows."""

    def change(delivery: Delivery) -> None:
        delivery.payloads[dataset] = make(delivery)
        delivery.resources[dataset] = {"compression": ABSENT} | properties

    return change


def _as_xlsx(delivery: Delivery, dataset: str) -> bytes:
    book, names = openpyxl.Workbook(), COLUMNS[dataset].split()
    sheet = book.active
    for row in [dict(zip(names, names, strict=True)), *delivery.rows[dataset]]:
        sheet.append([None if row[name] == "" else str(row[name]) for name in names])
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _stored(dataset: str, old: str, new: str) -> Callable[[Delivery], object]:
    """Send a dataset as a workbook in whose XML `new` stands for `old`."""
    return _payload(dataset, lambda d: in_sheet(old, new, _as_xlsx(d, dataset)), format="xlsx", path=f"{dataset}.xlsx")


def _with_two_sheets(delivery: Delivery) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(_as_xlsx(delivery, "inspections")))
    book.copy_worksheet(book.worksheets[0])
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _as_parquet(delivery: Delivery, dataset: str) -> bytes:
    columns = {name: [str(row[name]) or None for row in delivery.rows[dataset]] for name in COLUMNS[dataset].split()}
    target = io.BytesIO()
    pq.write_table(pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}), target)
    return target.getvalue()


def _with_bomb(workbook: bytes) -> bytes:
    target = io.BytesIO(workbook)
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/image1.png", bytes(BOMB))
    return target.getvalue()


def _parquet_bomb(_: Delivery) -> bytes:
    target = io.BytesIO()
    table = pa.table({"inspection_id": pa.array(["A" * 1000]).take(pa.array([0] * 80_000))})
    pq.write_table(table, target, compression="zstd", use_dictionary=False)
    return target.getvalue()


def _link(target: Callable[[Path], Path | str]) -> Callable[[Path], object]:
    """Put a link in the place of a delivered file."""

    def apply(folder: Path) -> None:
        path = folder / FILE
        path.rename(folder.parent.parent.parent.parent / "outside")
        os.symlink(target(folder), path)

    return apply


def _in_thousands(delivery: Delivery) -> None:
    for loan in delivery.rows["loan_book"]:
        for bucket in ("in_term_vnd", "overdue_vnd", "frozen_vnd"):
            loan[bucket] //= 1000
    for account in delivery.rows["ledger_balances"]:
        account["closing_vnd"] = sum(
            loan[f"{account['bucket']}_vnd"]
            for loan in delivery.rows["loan_book"]
            if loan["office_code"] == account["office_code"]
        )


def _thousands_found() -> tuple[Any, ...]:
    loans = opening("96").rows["loan_book"]
    return tuple(find("roll-forward", "loan_book", number, f"{bucket}_vnd") for number, loan in enumerate(loans, 1)
                 for bucket in ("in_term", "overdue", "frozen") if loan[f"{bucket}_vnd"])  # fmt: skip


def _field(text: bytes) -> Callable[[bytes], bytes]:
    """Put `text` into the last field of the only row, which may be empty."""
    return lambda data: data[:-1] + text + b"\n"


BOMBS = [
    Case("a gzip bomb", "hostile", "refused", _payload("inspections", lambda _: gzip.compress(bytes(BOMB)), compression="gz"),
         refusal("compression-error", "inspections")),
    Case("a gzip bomb of many members", "hostile", "refused", _payload("inspections", lambda _: gzip.compress(bytes(MIB)) * 65, compression="gz"),
         refusal("compression-error", "inspections")),
    Case("a workbook that is a bomb", "hostile", "refused", _payload("inspections", lambda d: _with_bomb(_as_xlsx(d, "inspections")), format="xlsx"),
         refusal("compression-error", "inspections"), was_red=True),
    Case("a packed workbook that is a bomb", "hostile", "refused", _payload(
        "inspections", lambda d: gzip.compress(_with_bomb(_as_xlsx(d, "inspections"))), format="xlsx", compression="gz"),
        refusal("compression-error", "inspections"), was_red=True),
    Case("a Parquet file that is a bomb", "hostile", "refused", _payload("inspections", _parquet_bomb, format="parquet"),
         refusal("compression-error", "inspections"), was_red=True),
]  # fmt: skip

FORMATS = [
    Case("a dataset is a workbook", "2", "published", _payload("inspections", lambda d: _as_xlsx(d, "inspections"), format="xlsx", path="i.xlsx")),
    Case("a dataset is Parquet", "2", "published", _payload("loan_book", lambda d: _as_parquet(d, "loan_book"), format="parquet", path="l.parquet")),
    Case("every dataset is Parquet", "2", "published", lambda d: [
        _payload(name, lambda d, name=name: _as_parquet(d, name), format="parquet", path=f"{name}.parquet")(d) for name in COLUMNS]),
    Case("a workbook is called CSV", "hostile", "held", _payload("inspections", lambda d: _as_xlsx(d, "inspections")), (find("encoding-error", "inspections"),)),
    Case("CSV is called a workbook", "hostile", "held", content("inspections", lambda b: b, format="xlsx"), (find("source-error", "inspections"),)),
    Case("CSV is called Parquet", "hostile", "held", content("inspections", lambda b: b, format="parquet"), (find("source-error", "inspections"),)),
    Case("a workbook is cut off", "hostile", "held", _payload("inspections", lambda d: _as_xlsx(d, "inspections")[:-99], format="xlsx"),
         (find("source-error", "inspections"),)),
    Case("a Parquet file is cut off", "hostile", "held", _payload("inspections", lambda d: _as_parquet(d, "inspections")[:-9], format="parquet"),
         (find("source-error", "inspections"),)),
]  # fmt: skip

WORKBOOKS = [
    Case("a cell of a workbook holds half a character", "hostile", "held", _stored("inspections", "<t>bank</t>", "<t>_xD83D_</t>"),
         (find("type-error", "inspections", 1, "body"),), was_red=True),
    Case("a header of a workbook holds half a character", "hostile", "held", _stored("inspections", "<t>fixed_on</t>", "<t>fixed_on_xD83D_</t>"),
         (find("encoding-error", "inspections"),), was_red=True),
    Case("a cell of a workbook has a value that does not go with its type", "hostile", "held", _stored(
        "inspections", "<is><t>bank</t></is>", "<v>bank</v>"), (find("source-error", "inspections"),), was_red=True),
    Case("a workbook has two sheets and a sheetName of null", "hostile", "held", _payload(
        "inspections", _with_two_sheets, format="xlsx", path="i.xlsx", dialect={"sheetName": None}),
        (find("source-error", "inspections"),), was_red=True),
    Case("a workbook has rates as Excel itself stores them", "2", "published", _stored(
        "loan_book", 't="inlineStr"><is><t>8.58</t></is>', "><v>8.5800000000000001</v>"), was_red=True),
]  # fmt: skip

LINKS = [
    Case("a file is a link that leaves the folder", "hostile", "refused", tamper=_link(lambda f: f.parent.parent.parent.parent / "outside"),
         finds=refusal("unsafe-path", "inspections")),
    Case("a file is a link to another file of the folder", "hostile", "refused", tamper=lambda f: [
        (f / FILE).rename(f / "there"), os.symlink("there", f / FILE)], finds=refusal("unsafe-path", "inspections")),
    Case("a file is a named pipe", "hostile", "waiting", tamper=lambda f: [(f / FILE).unlink(), os.mkfifo(f / FILE)], finds=refusal("byte-count")),
    Case("a file is a folder", "hostile", "waiting", tamper=lambda f: [(f / FILE).unlink(), (f / FILE).mkdir()], finds=refusal("byte-count")),
    Case("a file is a dangling link", "hostile", "waiting", tamper=lambda f: [(f / FILE).unlink(), os.symlink("nowhere", f / FILE)],
         finds=refusal("byte-count")),
]  # fmt: skip

DESCRIPTORS = [
    Case("a property stands twice", "hostile", "refused", tamper=raw(lambda b: b.replace(b'"revision"', b'"revision": 1, "revision"', 1)),
         finds=refusal("package-error")),
    Case("a control total stands twice", "hostile", "refused", tamper=raw(lambda b: b.replace(b'"in_term_vnd"', b'"in_term_vnd": 0, "in_term_vnd"', 1)),
         finds=refusal("package-error")),
    Case("a number is NaN", "hostile", "refused", tamper=raw(lambda b: b.replace(b'"rowCount": 26', b'"rowCount": NaN', 1)), finds=refusal("package-error")),
    Case("a number has five thousand digits", "hostile", "refused", tamper=raw(lambda b: b.replace(b'"rowCount": 26', b'"rowCount": ' + b"9" * 5000, 1)),
         finds=refusal("package-error")),
    Case("a number has an exponent", "hostile", "refused", tamper=raw(lambda b: b.replace(b'"rowCount": 26', b'"rowCount": 26e0', 1)),
         finds=refusal("package-error", "resources[customers].rowCount")),
    Case("brackets are nested ten thousand deep", "hostile", "refused", tamper=raw(lambda b: b[:-1] + b', "x": ' + b"[" * 10**4 + b"]" * 10**4 + b"}"),
         finds=refusal("package-error")),
    Case("a text holds NUL", "hostile", "refused", tamper=rewrite(lambda d: d.update(title="a\x00b")), finds=refusal("package-error")),
    Case("a text holds half a surrogate pair", "hostile", "refused", tamper=raw(lambda b: b[:-1] + b', "title": "\\ud800"}'), finds=refusal("package-error")),
    Case("an office is called by SQL", "hostile", "held", lambda d: d.manifest.update(offices=[
        *({"officeCode": f"96000{n}", "status": "delivered", "reason": None} for n in (1, 2)),
        {"officeCode": "'; drop schema meta cascade; --", "status": "closed", "reason": "{{ 7 * 7 }}"}]), (find("foreign-key", "offices", None, "office_code"),)),
    Case("a control total is beyond 64 bits", "hostile", "held", lambda d: d.resources.update(ledger_balances={"controlTotals": {"closing_vnd": 2**64}}),
         (find("control-total", "ledger_balances", None, "closing_vnd"),)),
]  # fmt: skip

CONTENTS = [
    Case("a loan book in thousands", "hostile", "held", _in_thousands, (*_thousands_found(), find("large-change", "loan_book", None, "outstanding_vnd"))),
    Case("a sum beyond 64 bits", "hostile", "held", edit("loan_book", 1, in_term_vnd=2**63 - 1),
         (find("control-total", "loan_book", None, "in_term_vnd"), find("roll-forward", "loan_book", 1, "in_term_vnd"),
          find("ledger-tie-out", "ledger_balances", 1, "closing_vnd"), find("large-change", "loan_book", None, "outstanding_vnd"))),
    Case("two amounts that a bigint holds and their sum that it does not", "hostile", "held", lambda d: d.rows["eligible_demand"].extend(
        d.rows["eligible_demand"][0] | {"case_id": f"N{n}", "need_vnd": 5 * 10**18} for n in (1, 2)),
        (find("control-total", "eligible_demand", None, "need_vnd"), find("large-change", "eligible_demand")), was_red=True),
    Case("two columns that sum to more than a bigint holds together", "hostile", "held", edit(
        "risk_decisions", 1, principal_vnd=5 * 10**18, interest_vnd=5 * 10**18), (find("control-total", "risk_decisions"),), was_red=True),
    Case("headers are SQL, formulas and templates", "hostile", "published_with_warnings", content(
        "inspections", lambda b: b.replace(b"fixed_on\n", b"fixed_on,=cmd|' /C calc'!A0,{{ 7*7 }},\"x\"\"); drop table meta.ledger; --\"\n")
        .replace(b",\n", b",,1,2,3\n")), (find("extra-label", "inspections", None, "=cmd|' /C calc'!A0"), find("extra-label", "inspections", None, "{{ 7*7 }}"),
                                        find("extra-label", "inspections", None, 'x"); drop table meta.ledger; --'))),
    Case("a field of 1 MiB", "hostile", "held", content("inspections", _field(b"x" * MIB)), (find("type-error", "inspections", 1, "fixed_on"),)),
    Case("a field of 20 MiB", "hostile", "held", content("inspections", _field(b"x" * 20 * MIB)), (find("source-error", "inspections"),)),
    Case("a quoted field that never ends, of 20 MiB", "hostile", "held", content("inspections", _field(b'"' + b"\n".join([b"x" * 65535] * 320))),
         (find("row-count", "inspections"), find("source-error", "inspections", 1),
          *(find("missing-cell", "inspections", number, "body") for number in range(2, 321)))),
    Case("two thousand columns", "hostile", "held", content("inspections", lambda b: b"\n".join(
        line + b",c" * 2000 for line in b.splitlines()) + b"\n"), (find("duplicate-label", "inspections", None, "c"),)),
    Case("thousands of wrong rows are all named", "hostile", "held", lambda d: [
        d.payloads.update(inspections=gzip.compress(to_csv("inspections", [d.rows["inspections"][0] | {"inspection_id": f"I{n}", "findings": "x"} for n in range(5000)]))),
        d.resources.update(inspections={"rowCount": 5000})], tuple(find("type-error", "inspections", n, "findings") for n in range(1, 5001))),
    Case("a delivery is its own predecessor", "hostile", "refused", tamper=rewrite(lambda d: d.update(businessDate="2025-09-28")),
         finds=refusal("identity", "businessDate")),
    Case("a file is replaced by one of the same size", "hostile", "refused", tamper=altered(FILE, lambda b: bytes(reversed(b))),
         finds=refusal("hash-count", "inspections")),
    Case("the manifest is called a file of the delivery", "hostile", "refused", tamper=rewrite(lambda d: d["resources"][0].update(path=PLACE)),
         finds=refusal("unsafe-path", "path")),
]  # fmt: skip

CASES = [*BOMBS, *FORMATS, *WORKBOOKS, *LINKS, *DESCRIPTORS, *CONTENTS]
