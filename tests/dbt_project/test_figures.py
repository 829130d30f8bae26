"""The marts against plain pandas arithmetic on the delivered rows."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.dbt_project import arithmetic
from tests.support.deliveries import Delivery
from warehouse.connect import Warehouse

DATES = ("2023-12-31", "2024-01-31", "2024-03-30", "2024-03-31", "2024-05-15")


def rows(warehouse: Warehouse, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """What a query on the marts returns."""
    with warehouse.connect("transformer") as connection:
        return connection.execute(query, parameters).fetchall()  # type: ignore[arg-type]


def scorecard(warehouse: Warehouse, branch: str, date: str) -> dict[str, Any]:
    """The scorecard of a branch and date."""
    with warehouse.connect("transformer") as connection:
        cursor = connection.execute(
            "select * from marts.mart_branch_scorecard where branch_code = %s and business_date = %s", [branch, date]
        )
        assert cursor.description is not None
        (row,) = cursor.fetchall()
        return dict(zip([column.name for column in cursor.description], row, strict=True))


@pytest.mark.parametrize("number", range(len(DATES)))
def test_scorecard_states_equal_the_delivered_rows(marts: Warehouse, year: list[Delivery], number: int) -> None:
    found = scorecard(marts, "58", DATES[number])
    expected = arithmetic.state(year[number])
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("number", "quarter_start"), [(1, "2024-01-01"), (2, "2024-01-01"), (3, "2024-01-01"), (4, "2024-04-01")]
)
def test_sums_to_date_go_by_value_date(marts: Warehouse, year: list[Delivery], number: int, quarter_start: str) -> None:
    found = scorecard(marts, "58", DATES[number])
    for period, start in (("qtd", quarter_start), ("ytd", "2024-01-01")):
        expected = arithmetic.flows(year, start, DATES[number])
        assert found[f"disbursed_{period}_vnd"] == expected["disbursed"]
        assert found[f"collected_{period}_vnd"] == expected["collected"]
        assert found[f"borrowers_reached_{period}"] == expected["reached"]


def test_changes_are_against_exactly_the_last_day_of_the_period_before(marts: Warehouse, year: list[Delivery]) -> None:
    outstanding = {
        date: arithmetic.state(delivery)["outstanding_vnd"] for date, delivery in zip(DATES, year, strict=True)
    }
    spring = scorecard(marts, "58", "2024-05-15")
    assert spring["change_from_year_start_vnd"] == outstanding["2024-05-15"] - outstanding["2023-12-31"]
    assert spring["change_from_quarter_start_vnd"] == outstanding["2024-05-15"] - outstanding["2024-03-31"]
    assert scorecard(marts, "58", "2023-12-31")["change_from_year_start_vnd"] is None


def test_nothing_is_summed_to_date_before_the_first_delivery(marts: Warehouse, year: list[Delivery]) -> None:
    first = scorecard(marts, "58", "2023-12-31")
    assert [first[name] for name in first if "_qtd" in name or "_ytd" in name] == [None] * 6


@pytest.mark.parametrize("number", range(len(DATES)))
def test_balances_stand_by_their_whole_grain(marts: Warehouse, year: list[Delivery], number: int) -> None:
    found = rows(
        marts,
        "select office_code, commune_code, programme_code, source_code, organisation_code, loans, in_term_vnd, overdue_vnd, "
        "frozen_vnd, outstanding_vnd, interest_due_vnd, interest_overdue_vnd, par1_vnd, par30_vnd, par90_vnd, par180_vnd "
        "from marts.mart_loan_balances where branch_code = '58' and business_date = %s",
        DATES[number],
    )
    assert {row[:5]: row[5:] for row in found} == arithmetic.balances(year[number])


@pytest.mark.parametrize("number", range(len(DATES)))
def test_overdue_debt_stands_by_band(marts: Warehouse, year: list[Delivery], number: int) -> None:
    found = rows(
        marts,
        "select office_code, commune_code, programme_code, organisation_code, overdue_band, loans, overdue_vnd, frozen_vnd, "
        "outstanding_of_loans_vnd, absconded_loans, absconded_overdue_vnd "
        "from marts.mart_overdue_debt where branch_code = '58' and business_date = %s",
        DATES[number],
    )
    assert {row[:5]: row[5:] for row in found} == arithmetic.overdue_debt(year[number])


def test_flows_stand_by_the_delivery_that_brought_them(marts: Warehouse, year: list[Delivery]) -> None:
    for date, delivery in zip(DATES, year, strict=True):
        transactions = arithmetic.frame(delivery, "loan_transactions")
        expected = {
            kind: int(transactions.loc[transactions["kind"] == kind, "amount_vnd"].sum())
            for kind in ("disbursement", "principal", "interest", "to_overdue", "write_off", "transfer_in")
        }
        ((disbursed, collected, interest, overdue, written_off, transferred),) = rows(
            marts,
            "select coalesce(sum(disbursed_vnd), 0), coalesce(sum(collected_vnd), 0), coalesce(sum(interest_collected_vnd), 0), "
            "coalesce(sum(to_overdue_vnd), 0), coalesce(sum(written_off_vnd), 0), coalesce(sum(transferred_vnd), 0) "
            "from marts.mart_lending_flows where branch_code = '58' and business_date = %s",
            date,
        )
        assert [disbursed, collected, interest, overdue, written_off, transferred] == list(expected.values())


def test_commitments_sum_over_all_history_decision_by_decision(marts: Warehouse, year: list[Delivery]) -> None:
    # Every delivery after the first decides 90 + 5 + 11 million and brings 40 + 7: QD1 lacks 50 each time, QD2 nothing,
    # and the 11 million without a number stay open.
    found = rows(
        marts,
        "select business_date, source_code, committed_not_received_vnd from marts.mart_capital_sources "
        "where branch_code = '58' and committed_not_received_vnd > 0",
    )
    expected = {
        (dt.date.fromisoformat(date), source): number * amount
        for number, date in enumerate(DATES)
        if number
        for source, amount in (("DP_PROVINCE", 50_000_000), ("DP_COMMUNE", 11_000_000))
    }
    assert {row[:2]: row[2] for row in found} == expected


def test_capital_mix_shows_both_local_shares(marts: Warehouse, year: list[Delivery]) -> None:
    (found,) = rows(
        marts,
        "select capital_total_vnd, central_vnd, mobilised_vnd, local_vnd, local_share_of_capital_pct, "
        "local_share_of_outstanding_pct, local_idle_vnd, local_outstanding_vnd from marts.mart_capital_mix "
        "where branch_code = '58' and business_date = '2024-03-31'",
    )
    expected = arithmetic.state(year[3])
    assert found[:4] == (375_000_000, 300_000_000, 30_000_000, 45_000_000)
    assert found[4:6] == (expected["local_share_of_capital_pct"], expected["local_share_of_outstanding_pct"])
    assert found[6] == found[3] - found[7]


def test_a_loan_of_a_borrower_with_two_cases_is_counted_once(marts: Warehouse, year: list[Delivery]) -> None:
    loans, cases = arithmetic.loans_of(year[3]), arithmetic.open_cases(year[3])
    assert cases["customer_id"].duplicated().any()
    left = loans[loans["customer_id"].isin(set(cases["customer_id"]))]
    (found,) = rows(
        marts,
        "select sum(cases), sum(borrowers), sum(loans), sum(in_term_vnd), sum(overdue_vnd), sum(frozen_vnd), sum(recovered_vnd) "
        "from marts.mart_absconded_borrowers where branch_code = '58' and business_date = '2024-03-31'",
    )
    money = [int(left[column].sum()) for column in ("in_term_vnd", "overdue_vnd", "frozen_vnd")]
    expected = [len(cases), cases["customer_id"].nunique(), len(left), *money, int(cases["recovered_vnd"].sum())]
    assert list(found) == expected


def test_demand_counts_what_was_lent_under_the_named_contracts(marts: Warehouse, year: list[Delivery]) -> None:
    demand, loans = arithmetic.frame(year[3], "eligible_demand"), arithmetic.loans_of(year[3])
    named = demand[["contract_no", "customer_id"]].dropna().drop_duplicates()
    lent = loans.merge(named, on=["contract_no", "customer_id"])["disbursed_vnd"].sum()
    (found,) = rows(
        marts,
        "select sum(cases), sum(disbursed), sum(need_vnd), sum(disbursed_vnd) from marts.mart_demand_coverage "
        "where branch_code = '58' and business_date = '2024-03-31'",
    )
    expected = [len(demand), (demand["status"] == "disbursed").sum(), demand["need_vnd"].sum(), lent]
    assert list(found) == list(map(int, expected))


def test_an_unknown_commune_stands_for_itself_and_a_known_one_for_its_successor(
    marts: Warehouse, year: list[Delivery]
) -> None:
    found = dict(
        rows(
            marts,
            "select distinct commune_code, current_commune_code from marts.mart_loan_balances where branch_code = '58'",
        )
    )
    known = dict(
        rows(marts, "select commune_code, current_commune_code from marts.dim_commune where valid_from < '2025-07-01'")
    )
    assert found["99999"] == "99999"
    assert found["22741"] == known["22741"]
    assert found["22744"] == known["22744"]


def test_every_territory_moves_no_money(marts: Warehouse, year: list[Delivery]) -> None:
    ((branch, total),) = rows(
        marts,
        "select current_branch_code, sum(outstanding_vnd) from marts.mart_loan_balances where branch_code = '58' group by 1",
    )
    assert branch == "56"
    assert total == sum(arithmetic.state(delivery)["outstanding_vnd"] for delivery in year)
