"""Targets against plain pandas arithmetic: what is reached, by scope, programme, source and period."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from tests.dbt_project import arithmetic
from tests.dbt_project.test_figures import DATES
from tests.dbt_project.variety import COMMUNES
from tests.support.deliveries import Delivery
from warehouse.connect import Warehouse

OFFICE, COMMUNE = "580001", COMMUNES["58"][0]


def targets(warehouse: Warehouse, date: str) -> dict[str, dict[str, Any]]:
    """The rows of the mart of branch 58 by plan."""
    with warehouse.connect("transformer") as connection:
        cursor = connection.execute(
            "select * from marts.mart_target_progress where branch_code = '58' and business_date = %s", [date]
        )
        assert cursor.description is not None
        names = [column.name for column in cursor.description]
        found = [dict(zip(names, row, strict=True)) for row in cursor]
    return {row["plan_id"]: row for row in found}


def balances(delivery: Delivery) -> dict[str, Decimal | int | None]:
    """What targets of balances have reached with a delivery."""
    loans, capital = arithmetic.loans_of(delivery), arithmetic.frame(delivery, "capital_positions")
    deposits = arithmetic.frame(delivery, "deposits")
    commune = loans[loans["commune_code"] == COMMUNE]
    poor = loans[(loans["programme_code"] == "1") & (loans["source_code"] == "TW")]
    return {
        "DN": int(loans["outstanding_vnd"].sum()),
        "DN-TW-1": int(poor["outstanding_vnd"].sum()),
        "DN-PGD": int(loans.loc[loans["office_code"] == OFFICE, "outstanding_vnd"].sum()),
        "QH": arithmetic.percent(int(loans["overdue_vnd"].sum()), int(loans["outstanding_vnd"].sum())),
        "QHK-XA": arithmetic.percent(
            int((commune["overdue_vnd"] + commune["frozen_vnd"]).sum()), int(commune["outstanding_vnd"].sum())
        ),
        "TLDP": arithmetic.percent(
            int(capital.loc[capital["source_code"].str.startswith("DP"), "balance_vnd"].sum()), int(capital["balance_vnd"].sum())
        ),
        "HD": int(deposits["balance_vnd"].sum()),
    }  # fmt: skip


def flows(deliveries: list[Delivery]) -> dict[str, int]:
    """What targets of turnover have reached with all deliveries of the year."""
    rows = pd.concat([arithmetic.frame(delivery, "loan_transactions") for delivery in deliveries])
    capital = pd.concat([arithmetic.frame(delivery, "capital_transactions") for delivery in deliveries])
    received = capital[(capital["kind"] == "received") & capital["source_code"].str.startswith("DP")]
    lent, repaid = rows[rows["kind"] == "disbursement"], rows[rows["kind"] == "principal"]
    local = repaid["source_code"].str.startswith("DP") & (repaid["commune_code"] == COMMUNE)
    of_19 = (lent["programme_code"] == "19") & (lent["office_code"] == OFFICE)
    return {
        "CV": int(lent["amount_vnd"].sum()),
        "CV-19": int(lent.loc[of_19, "amount_vnd"].sum()),
        "TN-XA": int(repaid.loc[local, "amount_vnd"].sum()),
        "VDP": int(received["amount_vnd"].sum()),
        "VDP-T": int(received.loc[received["source_code"] == "DP_COMMUNE", "amount_vnd"].sum()),
    }


@pytest.mark.parametrize("number", range(1, len(DATES)))
def test_targets_are_measured_by_their_scope_and_period(marts: Warehouse, year: list[Delivery], number: int) -> None:
    found = targets(marts, DATES[number])
    opening = balances(year[0])["DN"]
    assert isinstance(opening, int)
    expected = balances(year[number]) | flows(year[1 : number + 1])
    outstanding = expected["DN"]
    assert isinstance(outstanding, int)
    expected["TT"] = arithmetic.percent(outstanding - opening, opening)
    assert {plan: row["actual_value"] for plan, row in found.items()} == expected


def test_the_highest_version_that_is_valid_counts(marts: Warehouse, year: list[Delivery]) -> None:
    assert [targets(marts, date)["QH"]["version"] for date in DATES] == [1, 1, 1, 2, 2]
    assert targets(marts, "2024-03-31")["QH"]["target_value"] == Decimal("1.25")


def test_a_target_says_how_long_is_left_and_what_is_missing(marts: Warehouse, year: list[Delivery]) -> None:
    row = targets(marts, "2024-03-31")["VDP"]
    assert row["days_left"] == (dt.date(2024, 12, 31) - dt.date(2024, 3, 31)).days
    assert row["gap"] == 100_000_000 - row["actual_value"]
    assert row["on_track"] is (row["actual_value"] * 366 >= 100_000_000 * 91)


def test_turnover_is_unknown_where_the_intervals_are_broken(marts: Warehouse, year: list[Delivery]) -> None:
    # The first delivery stands before the period: nothing of the coming year is counted, and nothing is missing.
    first = targets(marts, "2023-12-31")
    assert {first[plan]["actual_value"] for plan in ("CV", "VDP")} == {0}
    assert first["TT"]["actual_value"] == 0
