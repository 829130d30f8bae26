"""Law 1 in single stories: each is a way in which the order of arrival once changed, or could change, what is visible."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from ingestion.rules import Counts
from tests.laws.oracle import LAST_STAMP, NEW, OLD_HEAD, OLD_SIDE, Content, Delivery, Oracle
from tests.laws.synthetic import Bench
from tests.laws.test_replay import play
from warehouse.connect import Connection, Warehouse

A = Content(previous=None, opening=0, closing=10)
B = Content(previous=None, opening=0, closing=11)


@pytest.fixture
def bench(warehouse: Warehouse) -> Iterator[Bench]:
    with warehouse.connect("loader") as connection:
        yield Bench(connection)
        connection.rollback()


def new(day: int, revision: int, content: Content, **said: Any) -> Delivery:
    return Delivery(NEW, day, revision, content, **said)


def follows(day: int, opening: int, closing: int) -> Content:
    return Content(previous=day, opening=opening, closing=closing)


def show(bench: Bench, *nights: list[Delivery]) -> dict[tuple[int, str], tuple[int, str]]:
    """Play the nights on both, require that they agree, and return closing balance and verdict by place."""
    oracle = Oracle()
    answers = play(bench, nights)
    assert [[answer.replace("repeat", "duplicate") for answer in night] for night in answers] == [
        [answer.replace("repeat", "duplicate") for answer in night] for night in play(oracle, nights)
    ]
    assert bench.visible() == oracle.visible
    bench.require_one_content_a_number()
    return {place: (content.closing, verdict) for place, (content, verdict) in bench.visible().items()}


def test_of_two_contents_that_become_publishable_together_the_first_stands(bench: Bench) -> None:
    first, second = new(6, 1, follows(5, 11, 20)), new(6, 1, follows(5, 11, 30))
    seen = show(bench, [new(5, 1, A)], [first], [new(5, 2, B), second])
    assert seen[6, NEW] == (20, "published")
    verdicts = bench.connection.execute("select verdict from meta.ledger order by entry_no desc limit 3").fetchall()
    assert sorted(verdict for (verdict,) in verdicts) == ["published", "published", "refused"]


def test_a_content_that_came_too_late_for_its_number_never_comes_back(bench: Bench) -> None:
    first, second = new(6, 1, follows(5, 11, 20)), new(6, 1, follows(5, 12, 30))
    nights = [[new(5, 1, A)], [first], [new(5, 2, B), second], [new(5, 3, Content(None, 0, 12))]]
    assert (6, NEW) not in show(bench, *nights)


def test_the_same_content_twice_in_one_night_is_a_duplicate(bench: Bench) -> None:
    assert play(bench, [[new(5, 1, A), new(5, 2, A)]]) == [["new", "waiting", "duplicate"]]


def test_a_repeat_uses_up_its_number(bench: Bench) -> None:
    one, repeat, other = new(5, 1, A), new(5, 2, A), new(5, 2, B)
    assert show(bench, [one], [repeat], [other]) == {(5, NEW): (10, "published")}


def test_a_repeat_that_could_not_stand_alone_leaves_its_number_free(bench: Bench) -> None:
    one, repeat, other = new(5, 1, A), new(5, 2, A, lacks_supersedes=True), new(5, 2, B)
    assert show(bench, [one], [repeat], [other]) == {(5, NEW): (11, "published")}


def test_a_repeat_that_could_not_stand_alone_waits_for_another_content_under_its_number(bench: Bench) -> None:
    one, repeat, other = new(5, 1, A), new(5, 2, A, lacks_supersedes=True), new(5, 2, B)
    assert show(bench, [one], [repeat, other, repeat]) == {(5, NEW): (11, "published")}


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (1, 2, 0)])
@pytest.mark.parametrize("closed_at", [LAST_STAMP, LAST_STAMP + 3])
def test_a_repeat_whose_core_closed_at_another_time_uses_up_its_number(
    bench: Bench, order: tuple[int, ...], closed_at: int
) -> None:
    sent = [new(5, 1, A), new(5, 2, A, closed_at=closed_at), new(5, 2, B)]
    assert show(bench, *[[sent[place]] for place in order])[5, NEW] == (10, "published")


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("said", [{"closed_at": LAST_STAMP - 1}, {"has_other_format": True}], ids=str)
def test_a_repeat_whose_manifest_its_files_do_not_bear_out_leaves_its_number_free(
    bench: Bench, order: tuple[int, ...], said: dict[str, Any]
) -> None:
    sent = [new(5, 1, A), new(5, 2, A, **said), new(5, 2, B)]
    assert show(bench, *[[sent[place]] for place in order])[5, NEW] == (11, "published")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_same_bytes_read_otherwise_are_a_revision(bench: Bench, order: tuple[int, ...]) -> None:
    sent = [new(5, 1, A), new(5, 2, replace(A, is_read_otherwise=True))]
    show(bench, *[[sent[place]] for place in order])
    assert bench.visible()[5, NEW][0].is_read_otherwise


@pytest.mark.parametrize("said", [{"closed_at": LAST_STAMP - 1}, {"closed_at": LAST_STAMP}], ids=str)
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_is_superseded_is_on_record_whatever_became_of_it(
    bench: Bench, order: tuple[int, ...], said: dict[str, Any]
) -> None:
    named = new(5, 1, A, **said)
    sent = [named, new(5, 2, A, supersedes=named)]
    assert show(bench, *[[sent[place]] for place in order]) == {(5, NEW): (10, "published")}


def test_an_older_content_under_a_higher_number_is_a_revision(bench: Bench) -> None:
    seen = show(bench, [new(5, 1, A)], [new(5, 2, B)], [new(5, 3, A)])
    assert seen == {(5, NEW): (10, "published")}


def test_a_number_used_up_provisionally_stays_used_up(bench: Bench) -> None:
    wrong, right = follows(5, 99, 20), follows(5, 10, 20)
    nights = [[new(6, 1, wrong)], [new(5, 1, A)], [new(6, 1, right)]]
    assert (6, NEW) not in show(bench, *nights)


def test_the_next_number_mends_what_was_only_provisional(bench: Bench) -> None:
    nights = [[new(6, 1, follows(5, 99, 20))], [new(5, 1, A)], [new(6, 2, follows(5, 10, 20))]]
    assert show(bench, *nights)[6, NEW] == (20, "published")


def test_a_correction_breaks_a_later_date_and_a_revision_mends_it(bench: Bench) -> None:
    start = [new(5, 1, A), new(6, 1, follows(5, 10, 20)), new(7, 1, follows(6, 20, 30))]
    broken = [new(5, 2, B)]
    mended = [new(6, 2, follows(5, 11, 20))]
    seen = show(bench, start, broken, mended)
    assert seen == {(5, NEW): (11, "published"), (6, NEW): (20, "published"), (7, NEW): (30, "published")}


def test_while_a_date_is_held_the_dates_after_it_are_provisional(bench: Bench) -> None:
    start = [new(5, 1, A), new(6, 1, follows(5, 10, 20)), new(7, 1, follows(6, 20, 30)), new(8, 1, follows(7, 30, 40))]
    seen = show(bench, start, [new(5, 2, B)])
    assert seen == {(5, NEW): (11, "published"), (7, NEW): (30, "provisional"), (8, NEW): (40, "published")}


def test_an_earlier_date_inside_a_visible_interval_holds_the_later_one(bench: Bench) -> None:
    seen = show(bench, [new(5, 1, A), new(7, 1, follows(5, 10, 30))], [new(6, 1, follows(5, 10, 20))])
    assert seen == {(5, NEW): (10, "published"), (6, NEW): (20, "published")}


def test_a_first_delivery_is_held_where_an_earlier_date_is_visible(bench: Bench) -> None:
    assert show(bench, [new(6, 1, A)], [new(5, 1, B)]) == {(5, NEW): (11, "published")}


def test_a_merged_branch_is_provisional_until_all_its_predecessors_are_there(bench: Bench) -> None:
    nights = [[Delivery(NEW, 5, 1, follows(4, 21, 21))], [Delivery(OLD_HEAD, 4, 1, A)]]
    assert show(bench, *nights)[5, NEW] == (21, "provisional")


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (2, 0, 1)])
def test_a_merger_ends_the_same_in_any_order(bench: Bench, order: tuple[int, ...]) -> None:
    sent = [Delivery(OLD_HEAD, 4, 1, A), Delivery(OLD_SIDE, 4, 1, B), Delivery(NEW, 5, 1, follows(4, 21, 21))]
    assert show(bench, *[[sent[place]] for place in order])[5, NEW] == (21, "published")


def test_a_predecessor_that_says_otherwise_holds_the_merged_branch(bench: Bench) -> None:
    sent = [Delivery(OLD_HEAD, 4, 1, A), Delivery(OLD_SIDE, 4, 1, A), Delivery(NEW, 5, 1, follows(4, 21, 21))]
    assert (5, NEW) not in show(bench, *[[delivery] for delivery in reversed(sent)])


def test_what_cannot_be_measured_is_held_alone_and_measured_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure = bench.measure

    def fail(connection: Connection, delivery_id: int, opening: list[int]) -> Counts:
        connection.execute("select 1 / 0")
        return measure(connection, delivery_id, opening)

    monkeypatch.setattr(bench, "measure", fail)
    play(bench, [[new(5, 1, A), new(6, 1, follows(5, 10, 20))]])
    assert set(bench.visible()) == {(5, NEW)}
    monkeypatch.undo()
    assert show_again(bench) == {(5, NEW): "published", (6, NEW): "published"}


def show_again(bench: Bench) -> dict[tuple[int, str], str]:
    bench.settle()
    return {place: verdict for place, (_, verdict) in bench.visible().items()}
