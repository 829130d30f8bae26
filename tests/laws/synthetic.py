"""Deliveries without files: the real register and resolve on rows made for the purpose, in a transaction of their own."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from contract.model import load_datasets
from ingestion.descriptor import PLACE, RefusalError, parse_descriptor
from ingestion.ledger import Entry, append_entry
from ingestion.publish import resolve
from ingestion.receive import delivery_content_sha256
from ingestion.register import NotYetError, Received, register
from ingestion.rules import Counts
from ingestion.store import StoredFile
from ingestion.succession import Key
from tests.laws.oracle import LAST_STAMP, NEW, OLD_HEAD, OLD_SIDE, VISIBLE, Content, Delivery
from tests.support.deliveries import first_delivery, to_csv
from warehouse.connect import Connection

KEYS: dict[str, Key] = {
    OLD_HEAD: ("96", dt.date(2008, 8, 1)),
    OLD_SIDE: ("95", dt.date(2008, 8, 1)),
    NEW: ("96", dt.date(2025, 7, 1)),
}
DAY_0 = dt.date(2025, 6, 26)
RESOURCES = {
    name: {
        "name": name, "path": f"{name}.csv", "format": "csv", "bytes": 0, "hash": f"sha256:{'0' * 64}", "rowCount": 0,
        "controlTotals": {column.name: 0 for column in dataset.vnd_columns}, "keyChecksum": 0,
    }
    for name, dataset in load_datasets().items()
}  # fmt: skip


FOLDER = tempfile.TemporaryDirectory(prefix="laws-")
"""Where the files lie until the tests end."""


def date_of(day: int | None) -> dt.date | None:
    return None if day is None else DAY_0 + dt.timedelta(days=day)


class Bench:
    """The warehouse's own decisions on synthetic deliveries, in the open transaction of `connection`."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.known: dict[int, Delivery] = {}
        self.sent: set[int] = set()

    def send(self, delivery: Delivery) -> str:
        """Register a delivery; return new, repeat, duplicate, refused or waiting."""
        try:
            registration = register(self.connection, received(delivery))
        except RefusalError as refusal:
            self._record_refusal(delivery, str(refusal))
            return "refused"
        except NotYetError:
            return "waiting"
        known = self.known.setdefault(registration.delivery_id, delivery)
        if registration.delivery_id in self.sent:
            return "repeat" if known == delivery else "duplicate"
        self.sent.add(registration.delivery_id)
        if registration.is_repeat:
            return "duplicate"
        self._judge_alone(registration.delivery_id, delivery)
        return "new"

    def _record_refusal(self, delivery: Delivery, reason: str) -> None:
        """As `ingestion.receive` does: what was refused may be superseded."""
        code, valid_from = KEYS[delivery.branch]
        detail = {"kept": {PLACE: _sha256(repr(delivery))}}
        append_entry(self.connection, Entry(
            code, valid_from, date_of(delivery.day), delivery.revision, None, "refused", reason, detail=detail
        ))  # fmt: skip

    def _judge_alone(self, delivery_id: int, delivery: Delivery) -> None:
        self.connection.execute(
            "insert into meta.intakes (delivery_id, errors, warnings) values (%s, %s, %s)",
            [delivery_id, int(not delivery.is_publishable_alone), int(delivery.content.has_warning)],
        )
        self.connection.execute(
            "insert into meta.loads (delivery_id, result) values (%s, %s)", [delivery_id, '{"unreadable": []}']
        )

    def settle(self) -> None:
        resolve(self.connection, KEYS[NEW], self.measure)

    def measure(self, _: Connection, delivery_id: int, opening: list[int]) -> Counts:
        before = sum(self.known[known].content.closing for known in opening)
        return Counts(int(before != self.known[delivery_id].content.opening), 0)

    def visible(self) -> dict[tuple[int, str], tuple[Content, str]]:
        """What a reader sees, by place."""
        names = {key: branch for branch, key in KEYS.items()}
        cursor = self.connection.execute(
            "select branch_code, branch_valid_from, business_date, delivery_id, verdict from meta.visible_deliveries"
        )
        return {
            ((date - DAY_0).days, names[code, start]): (self.known[delivery_id].content, verdict)
            for code, start, date, delivery_id, verdict in cursor
        }

    def require_one_content_a_number(self) -> None:
        rows = self.connection.execute(
            """
            select d.branch_code, d.business_date, d.revision from meta.ledger as l
            inner join meta.deliveries as d on l.delivery_id = d.delivery_id
            where l.verdict = any (%s)
            group by d.branch_code, d.business_date, d.revision having count(distinct d.content_sha256) > 1
            """,
            [list(VISIBLE)],
        ).fetchall()
        assert rows == [], f"two contents were published under one number: {rows}"
        rows = self.connection.execute(
            "select delivery_id from meta.intakes where delivery_id not in (select delivery_id from meta.ledger where delivery_id is not null)"
        ).fetchall()
        assert rows == [], f"judged without an entry: {rows}"


def received(delivery: Delivery) -> Received:
    """The delivery as if its files had been copied and hashed."""
    _, valid_from = KEYS[delivery.branch]
    own_sha256 = _sha256(repr(delivery))
    text = json.dumps(describe(delivery, own_sha256))
    descriptor = parse_descriptor(text.encode())
    content = _sha256([delivery.branch, delivery.day, repr(replace(delivery.content, is_read_otherwise=False))])
    contents = dict.fromkeys(RESOURCES, content)
    return Received(
        descriptor=descriptor,
        branch_valid_from=valid_from,
        descriptor_text=text,
        descriptor_sha256=own_sha256,
        content_sha256=delivery_content_sha256(descriptor, contents),
        files=write_files(descriptor.business_date),
        contents=contents,
        source_path=str(delivery.place),
    )


def describe(delivery: Delivery, own_sha256: str) -> dict[str, Any]:
    """The manifest. What a revision supersedes is itself, and so on record, unless it names another."""
    date, previous = date_of(delivery.day), date_of(delivery.content.previous)
    assert date is not None
    named = _sha256(repr(delivery.supersedes)) if delivery.supersedes else own_sha256
    resources = RESOURCES
    if delivery.content.is_read_otherwise:
        resources = resources | {"deposits": RESOURCES["deposits"] | {"dialect": {"nullSequence": "0"}}}
    if delivery.has_other_format:
        resources = resources | {"offices": RESOURCES["offices"] | {"format": "xlsx"}}
    return {
        "contractVersion": "1", "branchCode": KEYS[delivery.branch][0], "businessDate": date.isoformat(),
        "revision": delivery.revision, "previousBusinessDate": previous and previous.isoformat(),
        "supersedes": None if delivery.lacks_supersedes or delivery.revision == 1 else named,
        "cobCompletedAt": f"{date}T{delivery.closed_at}:00:00+07:00", "workingDay": True, "currencyUnit": "VND",
        "offices": [], "resources": list(resources.values()),
    }  # fmt: skip


@functools.cache
def write_files(date: dt.date) -> dict[str, StoredFile]:
    """The files of a date: one customer, whose row was changed at the hour of the last timestamp, and no other row."""
    customer = first_delivery("96").rows["customers"][0] | {"changed_at": f"{date}T{LAST_STAMP}:00:00+07:00"}
    files = {}
    for name in RESOURCES:
        path = Path(FOLDER.name) / f"{date}-{name}.csv"
        path.write_bytes(to_csv(name, [customer] if name == "customers" else []))
        files[name] = StoredFile("0" * 64, path.stat().st_size, path)
    return files


def _sha256(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()
