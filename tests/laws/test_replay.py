"""Law 1: any order, repetition or retry of the same deliveries ends in the same visible content.

The warehouse's own register and resolve are driven with generated deliveries and compared with a plain-Python oracle of
the contract, one step after the other and over different orders of arrival. `LAWS_SEED` sets the seed that is printed.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.laws.oracle import (
    FIRST_DAY,
    LAST_DAY,
    LAST_STAMP,
    NEW,
    OLD_HEAD,
    OLD_SIDE,
    Content,
    Delivery,
    Oracle,
    holders,
)
from tests.laws.synthetic import Bench
from warehouse.connect import Warehouse

SEED = int(os.environ.get("LAWS_SEED") or 20250701)
LIMITS = {
    "deadline": None, "database": None, "print_blob": True, "suppress_health_check": list(HealthCheck),
    "report_multiple_bugs": False,
}  # fmt: skip
FIRST, LAST = 2, 8
HOURS = st.sampled_from([20, 20, LAST_STAMP, LAST_STAMP - 1])
"""When the core closed: after the last timestamp in the files, at it, or before it."""
DIFFERENCES = st.sampled_from(["nothing", "nothing", "supersedes", "format", "format", "reading"])


@st.composite
def contents(draw: Any, branch: str, day: int) -> Content:
    """A content that more often than not follows from what others of these deliveries say."""
    previous = draw(st.sampled_from([day - 1] * 3 + list(range(FIRST - 1, day)) + [None]))
    before = len(holders(branch, previous)) if previous is not None else 1
    return Content(
        previous=previous,
        opening=10 * before + draw(st.sampled_from([0, 0, 0, 1])),
        closing=10 + draw(st.sampled_from([0, 0, 0, 1])),
        is_broken=draw(st.sampled_from([False] * 5 + [True])),
        has_warning=draw(st.booleans()),
        is_read_otherwise=draw(st.sampled_from([False] * 5 + [True])),
    )


@st.composite
def deliveries(draw: Any) -> Delivery:
    branch = draw(st.sampled_from([OLD_HEAD, OLD_SIDE, NEW, NEW]))
    day = draw(st.integers(max(FIRST, FIRST_DAY.get(branch, FIRST)), min(LAST, LAST_DAY.get(branch, LAST))))
    revision = draw(st.sampled_from([1, 1, 1, 2, 2, 3]))
    lacks_supersedes = revision > 1 and draw(st.sampled_from([False] * 4 + [True]))
    return Delivery(branch, day, revision, draw(contents(branch, day)), lacks_supersedes)


@st.composite
def repeats(draw: Any, model: Delivery, others: list[Delivery]) -> Delivery:
    """The bytes of `model` under any number, in a manifest that may say something else of them."""
    content, revision, difference = model.content, draw(st.integers(1, 4)), draw(DIFFERENCES)
    if difference == "reading":
        content = replace(content, is_read_otherwise=not content.is_read_otherwise)
    rivals = [other for other in others if other.place == model.place]
    return Delivery(
        model.branch, model.day, revision, content,
        lacks_supersedes=difference == "supersedes" and revision > 1,
        closed_at=draw(HOURS),
        has_other_format=difference == "format",
        supersedes=draw(st.sampled_from([None, *rivals])) if revision > 1 else None,
    )  # fmt: skip


@st.composite
def related_deliveries(draw: Any) -> list[Delivery]:
    """Deliveries of which some repeat or revise others, without two publishable contents under one number."""
    found: list[Delivery] = []
    standing: dict[tuple[tuple[int, str], int], Content] = {}
    for delivery in draw(st.lists(deliveries(), min_size=2, max_size=7)):
        chosen = delivery
        if found and draw(st.booleans()):
            model = draw(st.sampled_from(found))
            content = draw(contents(model.branch, model.day))
            revised = Delivery(model.branch, model.day, draw(st.integers(1, 4)), content)
            chosen = draw(st.sampled_from([revised, draw(repeats(model, found))]))
        number = (chosen.place, chosen.revision)
        if chosen.is_publishable_alone and standing.setdefault(number, chosen.content) != chosen.content:
            continue
        if chosen not in found:
            found.append(chosen)
    return found


def play(sink: Bench | Oracle, batches: Sequence[Sequence[Delivery]]) -> list[list[str]]:
    """Send batch after batch as nights would: whatever waits for another delivery is looked at again."""
    said = []
    for batch in batches:
        waiting = list(batch)
        answers = []
        while waiting:
            before, waiting = waiting, []
            for delivery in before:
                answer = sink.send(delivery)
                answers.append(answer)
                if answer == "waiting":
                    waiting.append(delivery)
            sink.settle()
            assert len(waiting) < len(before), "nothing moves any more"
        said.append(answers)
    return said


def split(items: Sequence[Delivery], chance: random.Random) -> list[list[Delivery]]:
    """Cut into nights, with some deliveries looked at once more."""
    nights: list[list[Delivery]] = [[]]
    for item in items:
        nights[-1].append(item)
        if chance.random() < 0.2:
            nights[-1].append(chance.choice(items))
        if chance.random() < 0.5:
            nights.append([])
    return [night for night in nights if night]


def check_orders(warehouse: Warehouse, examples: int, seed_number: int) -> None:
    print(f"LAWS_SEED={seed_number}")
    with warehouse.connect("loader") as connection:

        @seed(seed_number)
        @settings(max_examples=examples, **LIMITS)
        @given(related_deliveries(), st.randoms(use_true_random=False))
        def run(sent: list[Delivery], chance: random.Random) -> None:
            ends = []
            for _ in range(2):
                order = chance.sample(sent, len(sent))
                nights = split(order, chance)
                bench, oracle = Bench(connection), Oracle()
                try:
                    play(bench, nights)
                    play(oracle, nights)
                    ends.append(bench.visible())
                    assert ends[-1] == oracle.visible, "the warehouse shows something else than the contract says"
                    bench.require_one_content_a_number()
                finally:
                    connection.rollback()
            assert ends[0] == ends[1], "two orders of the same deliveries end in different contents"

        run()


def make_machine(warehouse: Warehouse) -> type[RuleBasedStateMachine]:
    class Replay(RuleBasedStateMachine):
        """Steps in any order; after each night the visible contents are those of the oracle."""

        def __init__(self) -> None:
            super().__init__()
            self.connection = warehouse.connect("loader")
            self.bench, self.oracle = Bench(self.connection), Oracle()
            self.sent: list[Delivery] = []
            self.waiting: list[Delivery] = []

        @initialize(first=deliveries())
        def begin(self, first: Delivery) -> None:
            self._send(first)

        def _send(self, delivery: Delivery) -> None:
            answers = self.bench.send(delivery), self.oracle.send(delivery)
            same = {"repeat": "duplicate"}
            assert same.get(answers[0], answers[0]) == same.get(answers[1], answers[1]), answers
            if answers[0] == "waiting":
                self.waiting.append(delivery)
            self.sent.append(delivery)

        @rule(delivery=deliveries())
        def send(self, delivery: Delivery) -> None:
            self._send(delivery)

        @rule(place=st.integers(0), number=st.integers(1, 4), data=st.data())
        def revise(self, place: int, number: int, data: st.DataObject) -> None:
            model = self.sent[place % len(self.sent)]
            content = data.draw(contents(model.branch, model.day))
            self._send(Delivery(model.branch, model.day, number, content))

        @rule(place=st.integers(0), data=st.data())
        def repeat(self, place: int, data: st.DataObject) -> None:
            again = data.draw(repeats(self.sent[place % len(self.sent)], self.sent))
            self._send(again)
            if data.draw(st.booleans()):
                other = data.draw(contents(again.branch, again.day))
                self._send(Delivery(again.branch, again.day, again.revision, other))

        @rule(place=st.integers(0), number=st.integers(2, 4), data=st.data())
        def name_a_repeat_before_it_comes(self, place: int, number: int, data: st.DataObject) -> None:
            model = self.sent[place % len(self.sent)]
            first = replace(model, content=Content(None, 0, 10))
            later = data.draw(repeats(first, []))
            self._send(Delivery(model.branch, model.day, number, first.content, supersedes=later))
            self._settle()
            self._send(later)
            self._send(Delivery(model.branch, model.day, later.revision, Content(None, 0, 11)))

        @rule(place=st.integers(0))
        def look_again(self, place: int) -> None:
            self._send(self.sent[place % len(self.sent)])

        @rule()
        def settle(self) -> None:
            self._settle()

        @precondition(lambda self: self.waiting)
        @rule()
        def settle_and_look_at_what_waits(self) -> None:
            self._settle()
            waiting, self.waiting = self.waiting, []
            for delivery in waiting:
                self._send(delivery)

        def _settle(self) -> None:
            self.bench.settle()
            self.oracle.settle()
            assert self.bench.visible() == self.oracle.visible
            self.bench.require_one_content_a_number()

        def teardown(self) -> None:
            try:
                self._settle()
                # Settling once more turns nothing.
                before = self.bench.connection.execute("select count(*) from meta.ledger").fetchone()
                self.bench.settle()
                assert self.bench.connection.execute("select count(*) from meta.ledger").fetchone() == before
            finally:
                self.connection.rollback()
                self.connection.close()

    return Replay


def check_machine(warehouse: Warehouse, examples: int, steps: int, seed_number: int) -> None:
    print(f"LAWS_SEED={seed_number}")
    machine = seed(seed_number)(make_machine(warehouse))
    run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=steps, **LIMITS))


def test_any_order_of_the_same_deliveries_ends_in_the_same_visible_contents(warehouse: Warehouse) -> None:
    check_orders(warehouse, 150, SEED)


def test_after_every_step_the_warehouse_shows_what_the_oracle_shows(warehouse: Warehouse) -> None:
    check_machine(warehouse, 40, 20, SEED)


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.skipif(
    not os.environ.get("WAREHOUSE_SWEEP"), reason="takes long: WAREHOUSE_SWEEP=1 runs it, 0.1 a tenth of it"
)
def test_thousands_of_orders_and_long_lives(warehouse: Warehouse) -> None:
    number = int(os.environ.get("LAWS_SEED") or random.SystemRandom().randrange(10**9))
    size = float(os.environ["WAREHOUSE_SWEEP"])
    check_orders(warehouse, round(5000 * size), number)
    check_machine(warehouse, round(800 * size), 40, number)
