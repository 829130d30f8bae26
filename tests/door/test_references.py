"""What a load says of references is what the rules in SQL find, and no finding is lost by it."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator

import pytest

from contract.model import load_datasets
from ingestion.ledger import read_findings
from ingestion.references import find_references
from ingestion.rules import find_dataset_violations
from pipeline.branch import verify_branch
from pipeline.intake import load_pending
from tests.door.book import following, opening
from tests.door.door import Door
from tests.support.deliveries import Delivery

REFERENCES = [
    (dataset.name, column.name) for dataset in load_datasets().values() for column, _ in find_references(dataset)
]
NOWHERE = ("0", "C960001", "c9600001", "9600010", "96000")
DATES = (str(dt.date(2025, 9, 28) + dt.timedelta(days)) for days in range(1000))


def load(door: Door, delivery: Delivery) -> tuple[list[str], list[list[tuple[str, str, int]]]]:
    """Load a delivery; return what it proved, and the broken references by the rules without and with it."""
    door.send(delivery)
    verify_branch(door.warehouse, "96")
    (delivery_id,) = load_pending(door.warehouse, "96")
    with door.warehouse.connect("loader") as connection:
        ((result,),) = connection.execute("select result from meta.loads where delivery_id = %s", [delivery_id])
        answers = []
        for proven in ((), result["proven"]):
            with connection.transaction(force_rollback=True):
                find_dataset_violations(connection, delivery_id, result["unreadable"], proven)
                found = read_findings(connection, delivery_id, None)
                answers.append([(f["dataset"], f["column"], f["row"]) for f in found if f["rule"] == "foreign-key"])
    return result["proven"], answers


def new_delivery() -> Delivery:
    return following(opening("96", next(DATES)), next(DATES))


def names(references: list[tuple[str, str]]) -> list[str]:
    return [f"{dataset}.{column}" for dataset, column in references]


def changes(seed: int) -> Iterator[tuple[str, str, float, str]]:
    chance = random.Random(seed)
    for dataset, column in REFERENCES:
        if chance.random() < 0.3:
            yield dataset, column, chance.random(), chance.choice(NOWHERE)


def test_every_reference_of_a_good_delivery_is_proven(door: Door) -> None:
    proven, answers = load(door, new_delivery())
    assert (sorted(proven), answers) == (sorted(names(REFERENCES)), [[], []])


@pytest.mark.parametrize("seed", range(12))
def test_proofs_are_the_answer_of_sql(door: Door, seed: int) -> None:
    delivery, broken = new_delivery(), set()
    for dataset, column, place, value in changes(seed):
        row = int(place * len(delivery.rows[dataset]))
        delivery.edit(dataset, row + 1, **{column: value})
        broken.add((dataset, column, row + 1))
    proven, (by_sql, after_proofs) = load(door, delivery)
    assert set(by_sql) == set(after_proofs) == broken
    assert len(by_sql) == len(after_proofs) == len(broken)
    assert set(proven) == set(names(REFERENCES)) - {f"{dataset}.{column}" for dataset, column, _ in broken}


@pytest.mark.parametrize("damage", ["an error", "no file"])
def test_a_dataset_that_is_not_read_proves_nothing(door: Door, damage: str) -> None:
    delivery = new_delivery()
    if damage == "an error":
        delivery.edit("customers", 1, sex="X")
    else:
        del delivery.rows["customers"]
    proven, (by_sql, after_proofs) = load(door, delivery)
    assert set(names(REFERENCES)) - set(proven) == {"loan_book.customer_id"}
    assert by_sql == after_proofs == []
