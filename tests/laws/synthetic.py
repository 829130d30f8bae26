"""Deliveries without files: the real register and resolve on rows made for the purpose, in a transaction of their own."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path

from contract.model import load_datasets
from ingestion.descriptor import BANK_TIME, Descriptor, RefusalError, Resource
from ingestion.publish import resolve
from ingestion.register import NotYetError, Received, register
from ingestion.rules import Counts
from ingestion.store import StoredFile
from ingestion.succession import Key
from tests.laws.oracle import NEW, OLD_HEAD, OLD_SIDE, VISIBLE, Content, Delivery
from warehouse.connect import Connection

KEYS: dict[str, Key] = {
    OLD_HEAD: ("96", dt.date(2008, 8, 1)),
    OLD_SIDE: ("95", dt.date(2008, 8, 1)),
    NEW: ("96", dt.date(2025, 7, 1)),
}
DAY_0 = dt.date(2025, 6, 26)
RESOURCES = tuple(
    Resource(
        dataset=name, path=f"{name}.csv", format="csv", encoding="utf-8", compression=None, dialect=None, bytes=0,
        sha256="0" * 64, row_count=0, control_totals={column.name: 0 for column in dataset.vnd_columns}, key_checksum=0,
    )
    for name, dataset in load_datasets().items()
)  # fmt: skip
FILES = {resource.dataset: StoredFile("0" * 64, 0, Path("nowhere")) for resource in RESOURCES}
CONTENTS = {resource.dataset: "0" * 64 for resource in RESOURCES}


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
        except RefusalError:
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
    code, valid_from = KEYS[delivery.branch]
    date = date_of(delivery.day)
    assert date is not None
    content = _sha256([delivery.branch, delivery.day, repr(delivery.content)])
    # What a revision supersedes is on record: none names an unknown one, which would be a warning.
    own_sha256 = _sha256(repr(delivery))
    descriptor = Descriptor(
        branch_code=code,
        business_date=date,
        revision=delivery.revision,
        previous_business_date=date_of(delivery.content.previous),
        supersedes=None if delivery.lacks_supersedes or delivery.revision == 1 else own_sha256,
        cob_completed_at=dt.datetime.combine(date, dt.time(20), BANK_TIME),
        working_day=True,
        offices=(),
        resources=RESOURCES,
    )
    return Received(
        descriptor=descriptor,
        branch_valid_from=valid_from,
        descriptor_text="{}",
        descriptor_sha256=own_sha256,
        content_sha256=content,
        files=FILES,
        contents=CONTENTS,
        source_path=str(delivery.place),
    )


def _sha256(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()
