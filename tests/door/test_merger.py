"""A branch formed by merger: its previous state lies in its predecessors, and no balance moves (contract section 5)."""

from __future__ import annotations

import pytest

from tests.door.book import row
from tests.door.door import Door, place
from tests.support.deliveries import EVENTS, Delivery, first_delivery

LAST, FIRST = "2025-06-30", "2025-07-01"
MERGERS = iter([("95", "96"), ("62", "51"), ("34", "33"), ("27", "24"), ("49", "48")])
"""A dissolved branch and the one that goes on under its old code: two predecessors of the new branch."""


class Merger:
    """Two old branches, and the new one under the second's code."""

    def __init__(self, door: Door, codes: tuple[str, str]) -> None:
        self.door = door
        self.gone, self.kept = codes
        self.before = [first_delivery(code, LAST) for code in codes]

    def merged(self) -> Delivery:
        """The new branch's first night: everything of both, nothing having happened."""
        mine, other = (first_delivery(code, LAST) for code in (self.kept, self.gone))
        rows = {name: mine.rows[name] + other.rows[name] for name in mine.rows}
        return Delivery(self.kept, FIRST, LAST, rows)

    def verdicts(self, *deliveries: Delivery) -> list[str]:
        for delivery in deliveries:
            self.door.send(delivery)
        night = {**self.door.night(self.gone), **self.door.night(self.kept)}
        return [night[place(delivery)].verdict for delivery in deliveries]

    def verdict_on(self, date: str) -> str:
        with self.door.warehouse.connect("admin") as connection:
            found = connection.execute(
                "select verdict from meta.ledger where branch_code = %s and business_date = %s order by entry_no desc limit 1",
                [self.kept, date],
            ).fetchone()
        assert found is not None
        return str(found[0])


@pytest.fixture
def merger(door: Door) -> Merger:
    return Merger(door, next(MERGERS))


def test_it_follows_all_its_predecessors_and_no_balance_moves(merger: Merger) -> None:
    assert merger.verdicts(*merger.before, merger.merged()) == ["published", "published", "published"]


def test_it_is_provisional_until_every_predecessor_is_visible(merger: Merger) -> None:
    gone, kept = merger.before
    assert merger.verdicts(kept, merger.merged()) == ["published", "provisional"]
    assert merger.verdicts(gone) == ["published"]
    assert merger.verdict_on(FIRST) == "published"


def test_a_balance_that_moves_at_the_boundary_holds_it(merger: Merger) -> None:
    merged = merger.merged()
    loan = merged.rows["loan_book"][-1]
    loan["in_term_vnd"] += 1
    next(r for r in merged.rows["ledger_balances"] if r["office_code"] == loan["office_code"])["closing_vnd"] += 1
    assert merger.verdicts(*merger.before, merged) == ["published", "published", "held"]


def test_a_correction_of_a_predecessor_turns_the_successor(merger: Merger) -> None:
    merger.verdicts(*merger.before, merger.merged())
    corrected = merger.before[0].revise("0" * 64)
    corrected.rows["capital_positions"][0]["balance_vnd"] += 1
    assert merger.verdicts(corrected) == ["published_with_warnings"]
    assert merger.verdict_on(FIRST) == "held"


def test_null_is_held_where_a_predecessor_is_visible(merger: Merger) -> None:
    merged = merger.merged()
    merged.previous = None
    assert merger.verdicts(*merger.before, merged) == ["published", "published", "held"]


def test_the_events_of_the_first_night_may_cross_the_boundary(door: Door) -> None:
    """The old branches delivered last on Friday 27 June: the new one's interval begins before it existed."""
    merger = Merger(door, ("45", "44"))
    for delivery in merger.before:
        delivery.date = "2025-06-27"
    merged = merger.merged()
    merged.previous = "2025-06-27"
    merged.rows["capital_positions"][0]["balance_vnd"] += 7
    position = merged.rows["capital_positions"][0]
    merged.rows["capital_transactions"] = [row("capital_transactions", {
        "entry_id": "V1", "source_code": position["source_code"], "office_code": position["office_code"],
        "value_date": LAST, "kind": "received", "amount_vnd": 7,
    })]  # fmt: skip
    assert merger.verdicts(*merger.before, merged) == ["published", "published", "published"]


def test_a_code_alone_does_not_name_a_province_for_ever(door: Door) -> None:
    """Code 80 was Long An; since 2025-07-01 it is Tây Ninh, formed of Long An (80) and Tây Ninh (72)."""
    old, new = first_delivery("80", LAST), first_delivery("80", "2025-07-02")
    new.previous = FIRST
    for delivery in (old, new):
        assert not any(delivery.rows[name] for name in EVENTS)
        door.send(delivery)
    night = door.night("80")
    assert [night[place(d)].verdict for d in (old, new)] == ["published", "provisional"]
    with door.warehouse.connect("admin") as connection:
        names = connection.execute(
            "select b.name_vi from meta.visible_deliveries as v inner join meta.branches as b using (branch_code) "
            "where v.branch_code = '80' and v.branch_valid_from = b.valid_from order by v.business_date"
        ).fetchall()
    assert [name for (name,) in names] == ["Tỉnh Long An", "Tỉnh Tây Ninh"]
