"""The life of deliveries: revisions, repeats, gaps, corrections and intervals (contract sections 1, 2 and 6)."""

from __future__ import annotations

import csv
from typing import Any

import pytest

from tests.door.door import Door
from tests.door.life import Branch, after, date, more_capital, renamed
from tests.support.deliveries import ABSENT, tie_ledger, to_csv

CODES = iter(["01", "04", "08", "11", "12", "14", "15", "19", "20", "22", "24", "25", "31", "33", "37", "38", "40", "42",
              "44", "46", "48", "51", "52", "56", "66", "68", "75", "79", "80", "82", "86", "91", "92", "96"])  # fmt: skip


@pytest.fixture
def branch(door: Door) -> Branch:
    """A branch of the test's own."""
    return Branch(door, next(CODES))


def _findings(branch: Branch, day: int, revision: int = 1) -> list[dict[str, Any]]:
    with branch.feedback(day, revision).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class TestRevisions:
    def test_a_higher_revision_supersedes_the_whole_earlier_delivery(self, branch: Branch) -> None:
        first = branch.first(1)
        assert branch.turns(first) == {"1 r1": "published"}
        second = first.revise(branch.sha256(first))
        second.rows["inspections"].clear()
        del second.rows["customers"][5], second.rows["loan_book"][5]
        tie_ledger(second)
        assert branch.turns(second) == {"1 r2": "published"}
        assert branch.visible == {1: 2}
        rows = {name: count for name, (count, _) in branch.door.visible().items() if name.startswith(f"{branch.code} ")}
        assert (
            rows[f"{branch.code} {date(1)} raw.loan_book"],
            rows[f"{branch.code} {date(1)} personal.customers"],
        ) == (5, 5)

    def test_numbers_may_be_skipped_and_a_late_older_revision_changes_nothing_visible(self, branch: Branch) -> None:
        first = branch.first(1)
        branch.turns(first)
        fifth, third = (
            renamed(first.revise(branch.sha256(first)), "V"),
            renamed(first.revise(branch.sha256(first)), "III"),
        )
        fifth.revision, third.revision = 5, 3
        assert branch.turns(fifth) == {"1 r5": "published"}
        assert branch.turns(third) == {"1 r3": "published"}
        assert branch.visible == {1: 5}

    def test_a_held_revision_leaves_the_earlier_one(self, branch: Branch) -> None:
        first = branch.first(1)
        branch.turns(first)
        before = branch.door.visible()
        bad = first.revise(branch.sha256(first)).edit("loan_book", 1, in_term_vnd=1)
        assert branch.turns(bad) == {"1 r2": "held"}
        assert branch.door.visible() == before
        assert branch.visible == {1: 1}

    def test_the_first_revision_needs_supersedes_to_be_said_null(self, branch: Branch) -> None:
        delivery = branch.first(1)
        delivery.manifest["supersedes"] = ABSENT
        assert branch.turns(delivery) == {"1 r1": "refused"}

    def test_superseding_what_is_not_on_record_is_a_warning_until_it_is(self, branch: Branch) -> None:
        first = branch.first(1)
        branch.door.send(first)
        second = renamed(first.revise(branch.sha256(first)), "II")
        (first.folder(branch.door.landing) / "datapackage.json").rename(branch.door.landing.parent / "later.json")
        assert branch.turns(second) == {"1 r1": "waiting", "1 r2": "published_with_warnings"}
        assert [(f["rule"], f["severity"], f["column"]) for f in _findings(branch, 1, 2)] == [
            ("supersedes-unknown", "warning", "supersedes")
        ]
        (branch.door.landing.parent / "later.json").rename(first.folder(branch.door.landing) / "datapackage.json")
        assert branch.turns() == {"1 r1": "published", "1 r2": "published"}
        assert not branch.feedback(1, 2).exists()

    def test_a_refused_descriptor_is_on_record_and_may_be_superseded(self, branch: Branch) -> None:
        first = branch.first(1)
        first.manifest["currencyUnit"] = "USD"
        assert branch.turns(first) == {"1 r1": "refused"}
        second = branch.first(1).revise(branch.sha256(first))
        assert branch.turns(second)["1 r2"] == "published"


class TestRepeats:
    def test_the_same_delivery_again_is_a_duplicate_and_changes_nothing(self, branch: Branch) -> None:
        first = branch.first(1)
        branch.turns(first)
        entries = branch.ledger(1)
        assert branch.night(first) == {"1 r1": "duplicate"}
        assert branch.ledger(1) == entries

    def test_the_same_content_under_other_names_and_packing_is_a_duplicate(self, branch: Branch) -> None:
        first = branch.first(1)
        branch.turns(first)
        before = branch.door.visible()
        again = first.revise(branch.sha256(first))
        for name, rows in again.rows.items():
            again.payloads[name] = to_csv(name, rows)
            again.resources[name] = {"path": f"{name}-bis.txt", "compression": ABSENT}
        again.manifest["cobCompletedAt"] = f"{date(1)}T21:00:00+07:00"
        assert branch.night(again)["1 r2"] == "duplicate"
        assert branch.door.visible() == before

    @pytest.mark.parametrize("change", ["previousBusinessDate", "workingDay", "offices", "bytes"])
    def test_content_is_more_than_the_files(self, branch: Branch, change: str) -> None:
        first = branch.first(5)
        branch.turns(first)
        again = first.revise(branch.sha256(first))
        office = {"officeCode": f"{branch.code}0001", "status": "delivered", "reason": None}
        other = {"officeCode": f"{branch.code}0002", "status": "closed", "reason": "Nghỉ"}
        match change:
            case "previousBusinessDate":
                again.previous = date(4)
            case "workingDay":
                again.working_day = False
            case "offices":
                again.manifest["offices"] = [office, other]
            case "bytes":
                again.payloads["offices"] = to_csv("offices", again.rows["offices"]).replace(b"\n", b"\r\n")
                again.resources["offices"] = {"compression": ABSENT}
        assert branch.turns(again) in ({"5 r2": "published"}, {"5 r2": "provisional"})

    def test_a_number_is_used_up_once_published(self, branch: Branch) -> None:
        first = branch.first(1)
        branch.turns(first)
        other = renamed(branch.first(1), "Tên khác")
        assert branch.turns(other) == {"1 r1": "refused"}
        assert [f["rule"] for f in _findings(branch, 1)] == ["revision-conflict"]
        assert branch.visible == {1: 1}

    def test_what_was_said_of_other_content_is_taken_back_when_a_repeat_stands_there(self, branch: Branch) -> None:
        first = branch.first(1)
        branch.turns(first)
        branch.turns(renamed(branch.first(1), "Tên khác"))
        assert branch.feedback(1).exists()
        assert branch.night(branch.first(1)) == {"1 r1": "duplicate"}
        assert not branch.feedback(1).exists()
        again = first.revise(branch.sha256(first))
        again.manifest["currencyUnit"] = "USD"
        branch.turns(again)
        assert branch.feedback(1, 2).exists()
        del again.manifest["currencyUnit"]
        assert branch.night(again) == {"1 r1": "duplicate", "1 r2": "duplicate"}
        assert not branch.feedback(1, 2).exists()

    def test_a_repeat_uses_its_number_up_too(self, branch: Branch) -> None:
        first = branch.first(1)
        branch.turns(first)
        branch.turns(first.revise(branch.sha256(first)))
        other = renamed(first.revise(branch.sha256(first)), "Tên khác")
        assert branch.turns(other) == {"1 r2": "refused"}

    def test_an_older_content_under_a_higher_number_is_a_revision_like_any_other(self, branch: Branch) -> None:
        first = branch.first(1)
        branch.turns(first)
        second = renamed(branch.first(1).revise(branch.sha256(first)), "II")
        branch.turns(second)
        third = first.revise(branch.sha256(second))
        third.revision = 3
        assert branch.turns(third) == {"1 r3": "published"}
        assert branch.visible == {1: 3}

    @pytest.mark.parametrize("verdict", ["held", "refused", "waiting"])
    def test_a_number_that_was_not_published_may_be_sent_again(self, branch: Branch, verdict: str) -> None:
        bad = branch.first(1)
        if verdict == "held":
            bad.edit("loan_book", 1, in_term_vnd=1)
        if verdict == "refused":
            bad.manifest["currencyUnit"] = "USD"
        folder = branch.door.send(bad)
        if verdict == "waiting":
            (folder / "offices.csv.gz").unlink()
        assert branch.turns() == {"1 r1": verdict}
        assert branch.turns(branch.first(1)) == {"1 r1": "published"}
        assert not branch.feedback(1).exists()


class TestGapsAndCorrections:
    def test_a_gap_that_closes_turns_provisional_into_published(self, branch: Branch) -> None:
        first = branch.first(1)
        second = after(first, 2)
        third = after(second, 3)
        assert branch.turns(first, third) == {"1 r1": "published", "3 r1": "provisional"}
        assert branch.feedback(3).exists()
        assert branch.turns(second) == {"2 r1": "published", "3 r1": "published"}
        assert branch.ledger(3) == [(1, "provisional"), (1, "published")]
        assert not branch.feedback(3).exists()

    def test_a_gap_that_closes_may_show_that_the_later_date_was_wrong(self, branch: Branch) -> None:
        first = branch.first(1)
        second = after(first, 2)
        third = after(second, 3)
        third.rows["loan_transactions"].clear()
        assert branch.turns(first, third)["3 r1"] == "provisional"
        assert branch.turns(second) == {"2 r1": "published", "3 r1": "held"}
        assert branch.visible == {1: 1, 2: 1}
        assert [(f["rule"], f["dataset"], f["row"]) for f in _findings(branch, 3)] == [
            ("roll-forward", "loan_book", "1")
        ]

    def test_provisional_is_not_inherited(self, branch: Branch) -> None:
        second = after(branch.first(1), 2)
        assert branch.turns(second, after(second, 3)) == {"2 r1": "provisional", "3 r1": "published"}

    def test_dates_may_arrive_in_any_order(self, branch: Branch) -> None:
        first = branch.first(1)
        second = after(first, 2)
        third = after(second, 3)
        branch.turns(third)
        branch.turns(second)
        assert branch.turns(first) == {"1 r1": "published", "2 r1": "published"}
        assert branch.visible == {1: 1, 2: 1, 3: 1}

    def test_a_correction_breaks_the_later_date_and_a_revision_mends_it(self, branch: Branch) -> None:
        first = branch.first(1)
        second, third = after(first, 2), after(after(first, 2), 3)
        branch.turns(first, second, third)
        corrected = more_capital(branch.first(1).revise(branch.sha256(first)), 5)
        assert branch.turns(corrected) == {"1 r2": "published", "2 r1": "held", "3 r1": "provisional"}
        assert branch.visible == {1: 2, 3: 1}
        assert [f["rule"] for f in _findings(branch, 2)] == ["roll-forward"]
        mended = more_capital(second.revise(branch.sha256(second)), 5)
        mended.rows["capital_transactions"].clear()
        assert branch.turns(mended) == {"2 r2": "published", "3 r1": "held"}
        last = more_capital(third.revise(branch.sha256(third)), 5)
        last.rows["capital_transactions"].clear()
        assert branch.turns(last) == {"3 r2": "published"}
        assert branch.visible == {1: 2, 2: 2, 3: 2}

    def test_an_older_revision_stands_again_when_the_newer_one_no_longer_follows(self, branch: Branch) -> None:
        first = branch.first(1)
        right = after(first, 2)
        wrong = renamed(after(more_capital(branch.first(1), 5), 2), "II")
        branch.turns(more_capital(branch.first(1), 5))
        wrong.revision, wrong.supersedes = 2, "0" * 64
        assert branch.turns(right, wrong) == {"2 r1": "held", "2 r2": "published_with_warnings"}
        back = branch.first(1).revise("0" * 64)
        assert branch.turns(back) == {"1 r2": "published_with_warnings", "2 r1": "published", "2 r2": "held"}
        assert branch.visible == {1: 2, 2: 1}


class TestIntervals:
    def test_a_delivery_may_cover_several_days(self, branch: Branch) -> None:
        first = branch.first(1)
        fourth = after(first, 4)
        fourth.rows["loan_transactions"][0]["value_date"] = date(2)
        assert branch.turns(first, fourth) == {"1 r1": "published", "4 r1": "published"}

    def test_one_that_contains_an_earlier_visible_date_is_held(self, branch: Branch) -> None:
        first = branch.first(1)
        second, third = after(first, 2), after(first, 3)
        branch.turns(first, second)
        assert branch.turns(third) == {"3 r1": "held"}
        assert [(f["rule"], f["column"]) for f in _findings(branch, 3)] == [
            ("interval-overlap", "previousBusinessDate")
        ]

    def test_the_earlier_date_may_also_arrive_later(self, branch: Branch) -> None:
        first = branch.first(1)
        branch.turns(first, after(first, 3))
        assert branch.turns(after(first, 2)) == {"2 r1": "published", "3 r1": "held"}
        assert branch.visible == {1: 1, 2: 1}

    def test_null_where_an_earlier_date_is_visible_is_held(self, branch: Branch) -> None:
        branch.turns(branch.first(1))
        assert branch.turns(branch.first(2)) == {"2 r1": "held"}

    def test_an_earlier_first_delivery_may_come_to_light(self, branch: Branch) -> None:
        assert branch.turns(branch.first(2)) == {"2 r1": "published"}
        assert branch.turns(branch.first(1)) == {"1 r1": "published", "2 r1": "held"}
