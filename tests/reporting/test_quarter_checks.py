"""Business equations on frozen rows: each holds on sound figures, and each is seen to fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from reporting.quarter import Quarter, QuarterError
from reporting.quarter_checks import FOLDER
from reporting.quarter_decide import approve_draft, check_draft, publish_version
from reporting.quarter_freeze import freeze_quarter
from reporting.quarter_log import Version, read_versions
from tests.support.quarters import HandMadeMarts, state
from warehouse.connect import Warehouse

# What is done to the marts of the quarter's last day, by the equation that it breaks; %s is that day.
SPOILT = {
    "branches make the nation": "update marts.mart_national_scorecard set loans = loans + 1 where business_date = '%s'",
    "buckets make the outstanding": "update marts.mart_loan_balances set outstanding_vnd = outstanding_vnd + 1 where business_date = '%s' and programme_code = '19'",
    "flows make the turnover": "update marts.mart_branch_scorecard set disbursed_qtd_vnd = disbursed_qtd_vnd + 1 where business_date = '%s'",
    "late loans are part of the outstanding": "update marts.mart_loan_balances set par90_vnd = par30_vnd + 1 where business_date = '%s'",
    "loan balances make the scorecard": "delete from marts.mart_loan_balances where business_date = '%s' and branch_code = '96'",
    "local loans make the local outstanding": "update marts.mart_capital_mix set local_outstanding_vnd = 0 where business_date = '%s'",
    "opening and flows make the closing": "update marts.mart_branch_scorecard set change_from_quarter_start_vnd = 0 where business_date = '%s'",
    "organisations make the entrusted lending": "update marts.mart_organisations set overdue_vnd = overdue_vnd + 1 where business_date = '%s'",
    "overdue debt makes the scorecard": "update marts.mart_overdue_debt set frozen_vnd = frozen_vnd + 1 where business_date = '%s'",
    "provisional is said everywhere": "update marts.mart_capital_mix set is_provisional = true where business_date = '%s'",
    "ratios follow from the amounts": "update marts.mart_branch_scorecard set overdue_ratio_pct = overdue_ratio_pct + 0.000001 where business_date = '%s'",
    "sources make the capital": "update marts.mart_capital_sources set balance_vnd = balance_vnd + 1 where business_date = '%s' and tier = 'local'",
    "succession moves no money": "update marts.mart_capital_mix set current_branch_code = '01' where business_date = '%s' and branch_code = '58'",
}  # fmt: skip


@pytest.fixture
def sound(marts: HandMadeMarts, quarter: Quarter) -> Quarter:
    """A quarter of two branches with an opening and flows that lead from it to the closing."""
    flows = [(quarter.first_on, 9_000_000, 0), (quarter.last_on, 3_000_000, 2_000_000)]
    marts.show(
        state("58", quarter.last_on, opening=70_000_000, flows=flows),
        state("96", quarter.last_on, scale=10, opening=790_000_000, flows=flows),
    )
    return quarter


def test_sound_figures_break_nothing_and_stay_a_draft(quarter_warehouse: Warehouse, sound: Quarter) -> None:
    freeze_quarter(quarter_warehouse, sound, None)
    checked = check_draft(quarter_warehouse, sound)
    assert checked.violations == []
    assert checked.version.status == "draft"


def test_every_equation_has_a_figure_that_breaks_it() -> None:
    assert sorted(SPOILT) == sorted(file.stem.replace("_", " ") for file in FOLDER.glob("*.sql"))


@pytest.mark.parametrize("equation", SPOILT)
def test_a_draft_that_breaks_an_equation_is_rejected_and_says_which(
    quarter_warehouse: Warehouse, marts: HandMadeMarts, sound: Quarter, equation: str
) -> None:
    marts.change(SPOILT[equation] % sound.last_on)
    freeze_quarter(quarter_warehouse, sound, None)
    with pytest.raises(QuarterError, match=f"equation.*{equation}|It cannot be approved"):
        approve_draft(quarter_warehouse, sound, by="minh")
    checked = check_draft(quarter_warehouse, sound)
    assert equation in {violation.equation for violation in checked.violations}
    assert (checked.version.status, checked.version.by) == ("rejected", "checks")
    assert f"{equation}: " in checked.version.reason


def test_a_branch_without_opening_or_with_broken_intervals_is_not_held_to_the_roll_forward(
    quarter_warehouse: Warehouse, delivered: Quarter
) -> None:
    freeze_quarter(quarter_warehouse, delivered, None)
    assert check_draft(quarter_warehouse, delivered).violations == []


def test_the_draft_is_shown_beside_what_was_published_for_the_quarter_before(
    quarter_warehouse: Warehouse, marts: HandMadeMarts, sound: Quarter, unused_quarters: Iterator[Quarter]
) -> None:
    freeze_quarter(quarter_warehouse, sound, None)
    (alone, _) = check_draft(quarter_warehouse, sound).changes
    assert str(alone) == "branch 58: outstanding 80,000,000 đồng, nothing published for the quarter before"
    approve_draft(quarter_warehouse, sound, by="minh")
    publish_version(quarter_warehouse, sound, by="minh")
    later = next(unused_quarters)
    assert later == sound.next()
    marts.show(
        state("58", later.last_on, opening=80_000_000),
        state("96", later.last_on, scale=10, opening=799_999_999, flows=[(later.last_on, 1, 0)]),
    )
    freeze_quarter(quarter_warehouse, later, None)
    checked = check_draft(quarter_warehouse, later)
    assert checked.violations == []
    assert [str(change) for change in checked.changes] == [
        "branch 58: outstanding 80,000,000 đồng, +0 đồng since the last published quarter",
        "branch 96: outstanding 800,000,000 đồng, +0 đồng since the last published quarter; its opening 799,999,999 is not "
        "the 800,000,000 published: see the restatement",
    ]


def test_before_a_merger_each_branch_stands_beside_its_own_figures_and_after_it_beside_the_sum(
    quarter_warehouse: Warehouse, marts: HandMadeMarts, publish_quarter: Callable[[Quarter], Version]
) -> None:
    """Bạc Liêu (95) and Cà Mau (96) merged on 2025-07-01, Ninh Thuận (58) went to Khánh Hòa (56)."""
    first, second, third = Quarter(2025, 1), Quarter(2025, 2), Quarter(2025, 3)
    today = {"95": "96", "96": "96", "58": "56", "56": "56"}
    marts.show(*(state(code, first.last_on, current_branch=head) for code, head in today.items()))
    publish_quarter(first)
    lent = [(second.last_on, 1_000_000, 0)]
    marts.show(
        *(state(code, second.last_on, current_branch="56", opening=80_000_000) for code in ("56", "58")),
        state("95", second.last_on, current_branch="96", opening=79_000_000, flows=lent),
        state("96", second.last_on, opening=80_000_000),
    )
    freeze_quarter(quarter_warehouse, second, None)
    assert [str(change) for change in check_draft(quarter_warehouse, second).changes] == [
        "branch 56: outstanding 80,000,000 đồng, +0 đồng since the last published quarter",
        "branch 58: outstanding 80,000,000 đồng, +0 đồng since the last published quarter",
        "branch 95: outstanding 80,000,000 đồng, +0 đồng since the last published quarter; its opening 79,000,000 is not "
        "the 80,000,000 published: see the restatement",
        "branch 96: outstanding 80,000,000 đồng, +0 đồng since the last published quarter",
    ]
    publish_quarter(second)
    both = {**state("95", third.last_on).loans, **state("96", third.last_on).loans}
    marts.show(state("96", third.last_on, loans=both, opening=160_000_000))
    freeze_quarter(quarter_warehouse, third, None)
    assert [str(change) for change in check_draft(quarter_warehouse, third).changes] == [
        "branch 96: outstanding 160,000,000 đồng, +0 đồng since the last published quarter",
    ]


def test_frozen_rows_that_a_superuser_altered_can_be_neither_approved_nor_published(
    quarter_warehouse: Warehouse, delivered: Quarter
) -> None:
    freeze_quarter(quarter_warehouse, delivered, None)
    with quarter_warehouse.connect("admin") as connection:
        connection.execute("alter table quarters.organisations disable trigger all")
        connection.execute(
            "update quarters.organisations set groups = groups + 1 where quarter_code = %s", [delivered.code]
        )
        connection.execute("alter table quarters.organisations enable trigger all")
    for step in (
        lambda: approve_draft(quarter_warehouse, delivered, by="minh"),
        lambda: check_draft(quarter_warehouse, delivered),
    ):
        with pytest.raises(QuarterError, match=r"altered: quarters\.organisations: checksum"):
            step()
    with quarter_warehouse.connect("quarter_keeper") as connection:
        assert read_versions(connection, delivered)[0].status == "draft"
