"""A format that is wrong in every row makes findings by the hundred thousand: all are told, and the night has room for them."""

from __future__ import annotations

import csv
import gzip
import tracemalloc

from pipeline.outcomes import delivery_outcome, tell_branch
from tests.door.door import Door
from tests.support.deliveries import MONEY, first_delivery, to_csv

LOANS = 4000
OF_A_FINDING = 450
"""Bytes for what differs from finding to finding: its row, the value and what holds them, not the words of its rule."""


def test_findings_of_every_row_are_told_and_share_their_words(door: Door) -> None:
    delivery = first_delivery("96", loans=LOANS)
    with_decimals = [
        row | {name: f"{row[name]}.00" for name in MONEY["loan_book"]} for row in delivery.rows["loan_book"]
    ]
    delivery.payloads["loan_book"] = gzip.compress(to_csv("loan_book", with_decimals))
    door.send(delivery)
    (judged,) = [outcome.delivery_id for outcome in door.night().values()]
    assert judged is not None
    outbox = door.warehouse.settings.outbox
    with door.warehouse.connect("loader") as connection:
        delivery_outcome(connection, judged)
        tracemalloc.start()
        try:
            outcome = delivery_outcome(connection, judged)
            held, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            tell_branch(outbox, outcome)
            written = tracemalloc.get_traced_memory()[1] - held
        finally:
            tracemalloc.stop()
    path = outbox / "96" / delivery.date / "r1" / "feedback.csv"
    with path.open(encoding="utf-8", newline="") as file:
        told = [
            (row["dataset"], row["row"], row["column"]) for row in csv.DictReader(file) if row["rule"] == "type-error"
        ]
    assert sorted(told) == sorted(
        ("loan_book", str(number), name) for number in range(1, LOANS + 1) for name in MONEY["loan_book"]
    )
    assert held < OF_A_FINDING * len(outcome.findings)
    assert written < path.stat().st_size
