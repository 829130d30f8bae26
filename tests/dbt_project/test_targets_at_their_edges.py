"""Targets at the edges of their period, territory and source, with figures by hand: 04 keeps its communes, 01 does not."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.build import build
from tests.dbt_project.publishing import publish
from tests.dbt_project.test_builds import contents
from tests.support.deliveries import Delivery, Row, first_delivery, transaction
from tests.support.warehouses import copy_warehouse, new_warehouse, remove_warehouse
from warehouse.connect import Warehouse

MILLION = 1_000_000
XUAN_LA, PHU_THUONG, OLD_PART_OF_TAY_HO = "00103", "00091", "00109"
"""Communes of Hà Nội until 2025-06-30. From then on 00103 is Tây Hồ, which 00109 goes to, and Xuân La goes to Xuân Đỉnh."""
TAY_HO, XUAN_DINH = "00103", "00611"


def target(plan: str, indicator: str, value: object = 50 * MILLION, **cells: object) -> Row:
    """A target of the whole branch for 2025, in force since the end of 2024; `cells` say what is otherwise."""
    return {
        "plan_id": plan, "version": 1, "indicator": indicator, "scope_kind": "branch", "scope_code": "04", "programme_code": "",
        "source_code": "", "period_start": "2025-01-01", "due_on": "2025-12-31", "target_value": value,
        "unit": "pct" if indicator.endswith("_pct") else "vnd", "decided_on": "2024-12-31", "decision_no": "",
        "valid_from": "2024-12-31",
    } | cells  # fmt: skip


def lend(delivery: Delivery, row: int, amount: int, value_date: str | None = None) -> None:
    """Lend more on a loan, on the delivery's date unless said otherwise."""
    loan = delivery.rows["loan_book"][row - 1]
    loan["in_term_vnd"] += amount
    delivery.rows["loan_transactions"].append(
        transaction(delivery, loan, "disbursement", amount) | {"value_date": value_date or delivery.date}
    )


def keep_communes() -> list[Delivery]:
    """Branch 04: 240,000,021 at the end of 2024, of which 5 m overdue; lends 5 m by 31 March and 7 m in the next quarter."""
    first = first_delivery("04", "2024-12-31")
    quarter = {"due_on": "2025-03-31"}
    first.rows["plan_targets"] = [
        target("CV", "disbursed"),
        target("CV-Q1", "disbursed", 10 * MILLION, **quarter),
        target("CV-EVEN", "disbursed", 7_500_000, period_start="2025-03-30", due_on="2025-04-01"),
        target("DN-Q1", "outstanding", 250 * MILLION, **quarter),
        target("TT-Q1", "growth_pct", 4, **quarter),
        target("QH-Q1", "overdue_ratio_pct", 1, **quarter),
        target("DN-FEB", "outstanding", 239 * MILLION, due_on="2025-02-15"),
        target("TT-Q2", "growth_pct", 4, period_start="2025-04-01"),
        target("STEM", "outstanding", programme_code="27"),
        target("CV-TW", "disbursed", source_code="TW"),
        target("CV-CD", "disbursed", source_code="TW_BALANCED"),
        target("TN-HD", "collected", source_code="MOB"),
        target("DN-CD", "outstanding", source_code="TW_BALANCED"),
        target("HD", "deposits", source_code="MOB_IND"),
        target("VDP", "local_capital_received", source_code="DP"),
    ]
    winter = first.next("2025-02-15")
    spring = winter.next("2025-03-31")
    lend(spring, 1, 5 * MILLION)
    summer = spring.next("2025-06-30")
    lend(summer, 1, 7 * MILLION, "2025-04-01")
    summer.edit("loan_book", 2, in_term_vnd=40_000_002, overdue_vnd=0, overdue_since="")
    summer.edit("loan_book", 6, programme_code="27")
    return [first, winter, spring, summer]


def exchange_communes() -> list[Delivery]:
    """Branch 01: Xuân La, Phú Thượng and a part of what is Tây Hồ from 2025-07-01; one loan is still told there by its old code."""
    first = first_delivery("01", "2024-12-31")
    for row, loan in enumerate(first.rows["loan_book"], start=1):
        loan["commune_code"] = {2: PHU_THUONG, 3: OLD_PART_OF_TAY_HO, 4: OLD_PART_OF_TAY_HO}.get(row, XUAN_LA)
    first.rows["plan_targets"] = [
        target("DN-XL", "outstanding", scope_kind="commune", scope_code=XUAN_LA),
        target("CV-XL-H1", "disbursed", scope_kind="commune", scope_code=XUAN_LA, due_on="2025-06-30"),
        target("CV-109", "disbursed", scope_kind="commune", scope_code=OLD_PART_OF_TAY_HO),
        target("CV-PT", "disbursed", scope_kind="commune", scope_code=PHU_THUONG),
        target("CV-99999", "disbursed", scope_kind="commune", scope_code="99999"),
    ]
    spring = first.next("2025-06-30")
    for row, amount in ((1, 4), (2, 9), (3, 2)):
        lend(spring, row, amount * MILLION)
    summer = spring.next("2025-07-01")
    for row, loan in enumerate(summer.rows["loan_book"], start=1):
        loan["commune_code"] = {2: PHU_THUONG, 3: TAY_HO, 4: OLD_PART_OF_TAY_HO}.get(row, XUAN_DINH)
    new = {"scope_kind": "commune", "scope_code": TAY_HO, "decided_on": "2025-07-01", "valid_from": "2025-07-01"}
    summer.rows["plan_targets"] += [
        target("CV-TH", "disbursed", **new),
        target("DN-TH", "outstanding", **new),
        target("TT-TH", "growth_pct", 5, **new),
        target("CV-TH-H1", "disbursed", **new | {"due_on": "2025-06-30"}),
        target("CV-XD", "disbursed", **new | {"scope_code": XUAN_DINH}),
    ]
    return [first, spring, summer]


def merge() -> list[Delivery]:
    """Branches 89 and 91 with 240,000,021 each at the end of June 2025, and on 4 July the one that they became."""
    left, right = first_delivery("89", "2025-06-30"), first_delivery("91", "2025-06-30")
    whole = right.next("2025-07-04")
    for name, rows in left.next("2025-07-04").rows.items():
        whole.rows[name] += rows
    lend(whole, 1, 30 * MILLION)
    whole.rows["plan_targets"] = [
        target("DN-H1", "outstanding", 500 * MILLION, scope_code="91", due_on="2025-06-30"),
        target("DN-AG", "outstanding", 250 * MILLION, scope_code="89"),
        target("CV-AG", "disbursed", scope_code="89"),
    ]
    return [left, right, whole]


@pytest.fixture(scope="module")
def edges(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """The branches, night after night: the end of 2024 is built before the rest has come."""
    own = new_warehouse(warehouse, tmp_path_factory.mktemp("edges"))
    kept, exchanged = keep_communes(), exchange_communes()
    publish(own, kept[0], exchanged[0])
    build(own)
    publish(own, *kept[1:], *exchanged[1:])
    # Branch 11 tells nothing of the second half of March, branch 04 nothing of the first days of July.
    gap = first_delivery("11", "2025-01-01")
    gap.rows["plan_targets"] = [target("CV-Q1", "disbursed", scope_code="11", due_on="2025-03-31")]
    gap.previous = "2024-12-31"
    middle = gap.next("2025-03-15")
    lend(middle, 1, 5 * MILLION)
    after, broken = middle.next("2025-04-10"), kept[-1].next("2025-07-10")
    after.previous, broken.previous = "2025-04-05", "2025-07-05"
    publish(own, gap, middle, *merge())
    publish(own, after, broken, verdict="provisional")
    build(own)
    yield own
    remove_warehouse(own)


def progress(warehouse: Warehouse, plan: str, date: str, *, branch: str = "04") -> tuple[Any, Any, Any]:
    """What is reached, in percent too, and whether it is on track."""
    with warehouse.connect("transformer") as connection:
        found = connection.execute(
            "select actual_value, progress_pct, on_track from marts.mart_target_progress "
            "where branch_code = %s and plan_id = %s and business_date = %s",
            [branch, plan, date],
        ).fetchone()
    assert found is not None
    return found


def actual(warehouse: Warehouse, plan: str, date: str, *, branch: str = "04") -> Any:
    return progress(warehouse, plan, date, branch=branch)[0]


def test_a_target_of_what_nobody_had_yet_begins_at_nothing(edges: Warehouse) -> None:
    assert progress(edges, "STEM", "2025-03-31") == (0, 0, False)
    # 40,000,006 of 50 m, after 181 of 365 days.
    assert progress(edges, "STEM", "2025-06-30") == (40_000_006, Decimal("80.000012"), True)


def test_exactly_the_even_pace_is_on_track(edges: Warehouse) -> None:
    # Two of three days, 5 of 7.5 m.
    assert progress(edges, "CV-EVEN", "2025-03-31") == (5 * MILLION, Decimal("66.666667"), True)


@pytest.mark.parametrize("date", ["2025-03-31", "2025-06-30"])
def test_turnover_after_the_day_due_does_not_meet_a_missed_target(edges: Warehouse, date: str) -> None:
    assert progress(edges, "CV-Q1", date) == (5 * MILLION, 50, False)
    assert actual(edges, "CV", date) == (5 if date == "2025-03-31" else 12) * MILLION


@pytest.mark.parametrize("date", ["2025-03-31", "2025-06-30", "2025-07-10"])
def test_balances_and_ratios_stay_those_of_the_day_due(edges: Warehouse, date: str) -> None:
    assert progress(edges, "DN-Q1", date) == (245_000_021, Decimal("98.000008"), False)
    # 5 m more than 240,000,021, and 5 m overdue of 245,000,021.
    assert progress(edges, "TT-Q1", date) == (Decimal("2.083333"), Decimal("52.083325"), False)
    assert progress(edges, "QH-Q1", date) == (Decimal("2.040816"), Decimal("204.081600"), False)


def test_a_target_due_before_a_merger_is_judged_over_all_who_held_the_territory(edges: Warehouse) -> None:
    # 510 m on 4 July; where it began is unknown, and that it is missed is known all the same.
    assert progress(edges, "DN-H1", "2025-07-04", branch="91") == (480_000_042, Decimal("96.000008"), False)


def test_a_target_of_a_branch_that_was_merged_is_not_measured_by_the_whole(edges: Warehouse) -> None:
    # 250 m were to be owed in An Giang: the 510 m of the branch that it went to would meet it twice over.
    assert progress(edges, "DN-AG", "2025-07-04", branch="91") == (None, None, None)
    assert progress(edges, "CV-AG", "2025-07-04", branch="91") == (None, None, None)


def test_a_balance_due_within_a_month_is_unknown_afterwards(edges: Warehouse) -> None:
    assert progress(edges, "DN-FEB", "2025-03-31") == (None, None, None)


def test_what_is_broken_after_the_day_due_leaves_what_was_reached_by_it(edges: Warehouse) -> None:
    assert progress(edges, "CV-Q1", "2025-07-10") == (5 * MILLION, 50, False)
    assert progress(edges, "CV", "2025-07-10") == (None, None, None)


def test_turnover_is_unknown_where_the_last_days_before_the_day_due_are_not_told(edges: Warehouse) -> None:
    assert progress(edges, "CV-Q1", "2025-04-10", branch="11") == (None, None, None)


def test_a_target_whose_period_has_not_begun_does_not_look_ahead(edges: Warehouse) -> None:
    assert progress(edges, "TT-Q2", "2024-12-31") == (None, None, None)
    # From 245,000,021 to 252,000,021.
    assert actual(edges, "TT-Q2", "2025-06-30") == Decimal("2.857143")


def test_a_new_commune_is_not_the_old_one_whose_code_it_bears(edges: Warehouse) -> None:
    # Of the first half of the year, Tây Hồ has the 2 m lent in what became a part of it, not the 4 m of Xuân La.
    assert actual(edges, "CV-TH", "2025-07-01", branch="01") == 2 * MILLION
    assert actual(edges, "CV-XD", "2025-07-01", branch="01") == 4 * MILLION
    # 82,000,007 against 80,000,007: the loans 3 and 4, one of them still told by its old code.
    assert actual(edges, "DN-TH", "2025-07-01", branch="01") == 82_000_007
    assert actual(edges, "TT-TH", "2025-07-01", branch="01") == Decimal("2.500000")


def test_a_target_of_an_old_commune_is_not_measured_by_the_new_one_of_its_code(edges: Warehouse) -> None:
    # Xuân La has the loans 1, 5 and 6.
    assert actual(edges, "DN-XL", "2025-06-30", branch="01") == 124_000_012
    assert progress(edges, "DN-XL", "2025-07-01", branch="01") == (None, None, None)
    assert actual(edges, "CV-109", "2025-06-30", branch="01") == 2 * MILLION
    assert progress(edges, "CV-109", "2025-07-01", branch="01") == (None, None, None)


def test_a_commune_that_goes_on_under_its_code_keeps_its_target(edges: Warehouse) -> None:
    assert actual(edges, "CV-PT", "2025-06-30", branch="01") == 9 * MILLION
    assert actual(edges, "CV-PT", "2025-07-01", branch="01") == 9 * MILLION
    assert actual(edges, "CV-99999", "2025-07-01", branch="01") == 0


def test_a_target_that_was_due_is_of_the_commune_of_that_day(edges: Warehouse) -> None:
    assert actual(edges, "CV-XL-H1", "2025-07-01", branch="01") == 4 * MILLION
    # Decided once Tây Hồ was there: what became of it was lent 2 m.
    assert actual(edges, "CV-TH-H1", "2025-07-01", branch="01") == 2 * MILLION


def test_a_target_of_a_source_that_loans_do_not_name_is_unknown(edges: Warehouse) -> None:
    for plan in ("CV-CD", "TN-HD", "DN-CD"):
        assert progress(edges, plan, "2025-03-31") == (None, None, None), plan
    assert actual(edges, "CV-TW", "2025-03-31") == 5 * MILLION
    assert actual(edges, "HD", "2025-03-31") == 20 * MILLION
    assert actual(edges, "VDP", "2025-03-31") == 0


def test_a_correction_of_the_day_due_is_told_on_every_later_date(edges: Warehouse, tmp_path: Path) -> None:
    corrected = keep_communes()[2].revise()
    lend(corrected, 1, MILLION)
    own = copy_warehouse(edges, tmp_path)
    publish(own, corrected)
    build(own)
    assert actual(own, "DN-Q1", "2025-06-30") == 246_000_021
    assert actual(own, "CV-Q1", "2025-06-30") == 6 * MILLION
    remove_warehouse(own)


def test_night_after_night_ends_in_the_targets_of_a_rebuild(edges: Warehouse) -> None:
    before = contents(edges)["mart_target_progress"]
    build(edges, full=True)
    assert contents(edges)["mart_target_progress"] == before
