"""A repeat that says something else of the same bytes: every order of arrival ends in what readers see (law 1).

A1 and A2 are the same files under two numbers, B2 other files under the second. What A2 would be by itself decides, from
the contract's text: where it could be published, it has used up its number before B2 comes; where not, B2 stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from tests.door.door import Door, descriptor_sha256, fresh_warehouse
from tests.support.deliveries import Delivery, first_delivery, to_csv
from tests.support.warehouses import run_short_night, without_great_expectations
from warehouse.connect import Warehouse

DATE = "2025-09-28"
A, B = "Phòng giao dịch 1", "Nội dung khác"
A2_BEFORE_B2 = [(0, 1, 2), (1, 0, 2), (1, 2, 0)]
ALL = list(permutations(range(3)))
CODES = ["01", "04", "08", "11", "12", "14"]
Change = Callable[[Delivery], object]


@pytest.fixture
def door(template: Warehouse, request: pytest.FixtureRequest, tmp_path: Path) -> Door:
    """A door with nothing on record, for each test."""
    name = f"repeats_{abs(hash(request.node.name))}"
    home = tmp_path / "home"
    (home / "landing").mkdir(parents=True)
    return Door(fresh_warehouse(template, name, home))


def play(
    door: Door, sent: Callable[[str], list[Delivery]], orders: Sequence[tuple[int, ...]], *, whole: bool = False
) -> list[str]:
    """Send the same deliveries in every order, a branch for each order and one delivery a night; return the branches.

    `whole`: Great Expectations judges, too.
    """
    codes = CODES[: len(orders)]
    arrivals = [[sent(code)[place] for place in order] for code, order in zip(codes, orders, strict=True)]
    with nullcontext() if whole else without_great_expectations():
        for night in zip(*arrivals, strict=True):
            for delivery in night:
                door.send(delivery)
            run_short_night(door.warehouse)
    return codes


def seen(door: Door, branch: str, column: str) -> list[Any]:
    """What readers see of a column, `dataset.column`, in the order of the file."""
    dataset, name = column.split(".")
    with door.warehouse.connect("admin") as connection:
        query = f"select {name} from raw.{dataset} where branch_code = '{branch}' order by row_no"
        return [value for (value,) in connection.execute(query)]


def words(door: Door, branch: str) -> list[str]:
    """Revision and verdict of every entry of a branch, in order."""
    with door.warehouse.connect("admin") as connection:
        cursor = connection.execute(
            "select revision, verdict from meta.ledger where branch_code = %s order by entry_no", [branch]
        )
        return [f"{revision} {verdict}" for revision, verdict in cursor]


def closes(hour: str) -> Change:
    return lambda delivery: delivery.manifest.update(cobCompletedAt=f"{DATE}T{hour}+07:00")


def reads(**properties: Any) -> Change:
    return lambda delivery: delivery.resources["offices"].update(properties)


def make(aside: Path, change: Change) -> Callable[[str], list[Delivery]]:
    """A1, A2 with `change`, and B2: what is last in the files is of half past six, the core closed at eight."""

    def sent(code: str) -> list[Delivery]:
        first = first_delivery(code, DATE).edit("customers", 2, changed_at=f"{DATE}T18:30:00+07:00")
        first.payloads["offices"] = to_csv("offices", first.rows["offices"])
        first.resources["offices"] = {"path": "offices.csv", "compression": None}
        again = first.revise(descriptor_sha256(first.write(aside)))
        other = first.revise(again.supersedes)
        other.payloads["offices"] = to_csv("offices", other.edit("offices", 1, name=B).rows["offices"])
        change(again)
        return [first, again, other]

    return sent


CLOSES: dict[str, tuple[str, str]] = {
    "earlier, after all that is in the files": ("19:00:00", A),
    "at the second of what is last in the files": ("18:30:00", A),
    "before what is last in the files": ("18:29:59", B),
}
READS: dict[str, Change] = {
    "another delimiter": reads(dialect={"delimiter": ";"}),
    "a dialect that nobody can read": reads(dialect={"delimiter": "ab"}),
    "another encoding": reads(encoding="windows-1258"),
    "another format": reads(format="parquet"),
}
SAME: dict[str, Change] = {
    "the dialect that is meant anyway": reads(dialect={"delimiter": ",", "lineTerminator": "\n", "csvddfVersion": 1.2}),
    "the encoding in capitals": reads(encoding="UTF-8"),
    "another name": reads(path="don-vi.csv"),
}


@pytest.mark.parametrize("name", CLOSES)
def test_a_repeat_whose_core_closed_at_another_time_ends_the_same_in_any_order(
    door: Door, tmp_path: Path, name: str
) -> None:
    hour, stands = CLOSES[name]
    orders = A2_BEFORE_B2 if stands == A else ALL
    branches = play(door, make(tmp_path / "aside", closes(hour)), orders, whole=True)
    assert {branch: seen(door, branch, "offices.name")[0] for branch in branches} == dict.fromkeys(branches, stands)


@pytest.mark.parametrize("name", READS)
def test_a_repeat_that_cannot_be_read_as_it_says_ends_the_same_in_any_order(
    door: Door, tmp_path: Path, name: str
) -> None:
    branches = play(door, make(tmp_path / "aside", READS[name]), ALL)
    assert {branch: seen(door, branch, "offices.name")[0] for branch in branches} == dict.fromkeys(branches, B)


@pytest.mark.parametrize("name", SAME)
def test_a_repeat_that_is_read_as_before_uses_up_its_number(door: Door, tmp_path: Path, name: str) -> None:
    branches = play(door, make(tmp_path / "aside", SAME[name]), A2_BEFORE_B2)
    assert {branch: seen(door, branch, "offices.name")[0] for branch in branches} == dict.fromkeys(branches, A)
    assert words(door, branches[0]) == ["1 published", "2 duplicate", "2 refused"]


def test_the_same_bytes_under_a_dialect_that_reads_otherwise_are_another_content(door: Door, tmp_path: Path) -> None:
    def sent(code: str) -> list[Delivery]:
        first, again, _ = make(tmp_path / "aside", lambda _: None)(code)
        again.resources["savings_groups"] = {"dialect": {"nullSequence": "T"}}
        return [first, again]

    branches = play(door, sent, [(0, 1), (1, 0)])
    assert [seen(door, branch, "savings_groups.grade") for branch in branches] == [[None, None]] * 2
    assert all({"1 published", "2 published"} <= set(words(door, branch)) for branch in branches)


def test_what_is_superseded_may_come_later_as_a_repeat_that_could_not_stand_alone(door: Door, tmp_path: Path) -> None:
    def sent(code: str) -> list[Delivery]:
        first = first_delivery(code, DATE)
        first.resources["loan_book"] = {"rowCount": 7}
        again = first.revise(descriptor_sha256(first.write(tmp_path / "aside")))
        del again.resources["loan_book"]
        return [first, again]

    branches = play(door, sent, [(0, 1), (1, 0)])
    assert [words(door, branch) for branch in branches] == [
        ["1 held", "2 published"],
        ["2 published_with_warnings", "1 duplicate", "2 published"],
    ]


def test_a_repeat_of_a_manifest_with_a_very_small_number_is_a_repeat(door: Door) -> None:
    """PostgreSQL writes 1e-50 out in fifty digits, more than the door reads of a number."""
    first = first_delivery("96", DATE)
    first.manifest["x"] = 1e-50
    second = first.revise(descriptor_sha256(door.send(first)))
    with without_great_expectations():
        run_short_night(door.warehouse)
        door.send(second)
        run_short_night(door.warehouse)
    assert words(door, "96") == ["1 published", "2 duplicate"]
