"""The table of cases: each delivery gets the verdict and exactly the findings that the contract says."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from pipeline.outcomes import Outcome
from tests.door.book import DATE, FIRST_DATE, following, opening
from tests.door.case import Case, as_written
from tests.door.cases import CASES
from tests.door.door import Door, descriptor_sha256, found, place
from tests.support.deliveries import Delivery

FOLLOWS, FIRST = "96", "92"
"""The branch whose cases follow a visible delivery, and the one whose cases are first deliveries."""
BAD = ("held", "refused", "waiting")


@dataclass
class Results:
    """The outcome of each case by name, and what readers saw."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    after_bad: dict[str, Any] = field(default_factory=dict)
    after_good: dict[str, str] = field(default_factory=dict)


def _good(branch: str, revision: int, supersedes: str | None) -> Delivery:
    delivery = following(opening(branch)) if branch == FOLLOWS else opening(branch, DATE)
    delivery.revision, delivery.supersedes = revision, supersedes
    return delivery


@pytest.fixture(scope="module")
def results(door: Door) -> Results:
    """All cases as revisions of one date each for two branches: the bad ones in one night, then a good one, then the
    others, so that the server and Great Expectations are started once.
    """
    results = Results()
    door.send(opening(FOLLOWS, FIRST_DATE))
    door.night()
    results.before = door.visible()
    last: dict[str, tuple[int, str | None]] = {FOLLOWS: (0, None), FIRST: (0, None)}

    def send_all(cases: list[Case]) -> None:
        places = {}
        for case in cases:
            branch = FIRST if case.is_first else FOLLOWS
            number, sha256 = last[branch]
            delivery = _good(branch, number + 1, sha256)
            places[case.name] = place(delivery)
            # Otherwise the good ones would be repeats of each other.
            delivery.edit("offices", 1, name=f"Trường hợp {number}")
            case.change(delivery)
            folder = door.send(delivery)
            case.tamper(folder)
            # What was tampered with may never have been read: the next one supersedes what surely was.
            last[branch] = (number + 1, descriptor_sha256(folder) if case.tamper is as_written else sha256)
        outcomes = door.night()
        results.outcomes |= {name: outcomes[where] for name, where in places.items()}

    send_all([case for case in CASES if case.verdict in BAD])
    results.after_bad = door.visible()
    for branch, (number, sha256) in last.items():
        delivery = _good(branch, number + 1, sha256)
        results.after_good[branch] = door.verdict(delivery)
        last[branch] = (number + 1, descriptor_sha256(delivery.folder(door.landing)))
    send_all([case for case in CASES if case.verdict not in BAD])
    return results


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_a_delivery_gets_its_verdict_and_every_finding(case: Case, results: Results) -> None:
    outcome = results.outcomes[case.name]
    expected, actual = Counter(case.finds), found(outcome)
    # What differs, and not all of it: a case may have thousands of findings.
    missing, unexpected = list((expected - actual).elements()), list((actual - expected).elements())
    assert (outcome.verdict, missing[:9], unexpected[:9]) == (case.verdict, [], [])


def test_no_bad_delivery_changes_what_readers_see(results: Results) -> None:
    assert results.after_bad == results.before


def test_the_next_good_delivery_publishes(results: Results) -> None:
    assert results.after_good == {FOLLOWS: "published", FIRST: "published"}
