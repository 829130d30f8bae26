"""Bạc Liêu and Cà Mau become one branch: codes and balances stay, only the map changes."""

from __future__ import annotations

from typing import Any

import pandas as pd
from vietnamadminunits import convert_address
from vietnamadminunits.database import get_data

from tests.samples.auditing import Sent

BUCKETS = ("in_term_vnd", "overdue_vnd", "frozen_vnd")
LOAN = ["contract_no", "customer_id"]


def on(sample: list[Sent], day: str) -> pd.DataFrame:
    return pd.concat(sent.files["loan_book"] for sent in sample if sent.day == day)


def test_two_branches_deliver_until_the_merger_and_one_from_then_on(merger: list[Sent]) -> None:
    sent = [(one.descriptor["branchCode"], one.day, one.descriptor["previousBusinessDate"]) for one in merger]
    assert sent == [
        ("95", "2024-12-31", None),
        ("96", "2024-12-31", None),
        ("95", "2025-06-29", "2024-12-31"),
        ("96", "2025-06-29", "2024-12-31"),
        ("95", "2025-06-30", "2025-06-29"),
        ("96", "2025-06-30", "2025-06-29"),
        ("96", "2025-07-01", "2025-06-30"),
        ("96", "2025-09-30", "2025-07-01"),
    ]


def test_offices_customers_and_contracts_keep_their_codes(merger: list[Sent]) -> None:
    before, after = on(merger, "2025-06-30"), on(merger, "2025-07-01")
    both = before.merge(after, on=LOAN, suffixes=("_before", "_after"))
    assert len(both) > 0.98 * len(before)
    for column in ("office_code", "hamlet_code", "point_code", "group_code", "programme_code", "source_code"):
        assert (both[f"{column}_before"] == both[f"{column}_after"]).all()
    assert (both["commune_code_before"] != both["commune_code_after"]).any()


def test_a_commune_becomes_what_the_official_conversion_says(merger: list[Sent]) -> None:
    before, after = (
        pd.concat(sent.files["transaction_points"] for sent in merger if sent.day == day)
        for day in ("2025-06-30", "2025-07-01")
    )
    both = before.merge(after, on="point_code", suffixes=("_before", "_after")).drop_duplicates("commune_code_before")
    assert len(both) == 164
    assert both["commune_code_after"].nunique() <= 64
    became = both.set_index("commune_code_before")["commune_code_after"]
    fields = ["provinceCode", "province", "district", "ward", "wardCode"]
    communes = [row for row in get_data(fields, "admin_units_legacy") if row["wardCode"] in became.index]
    assert len(communes) == 164
    for row in communes[::20]:
        unit = convert_address(f"{row['ward']}, {row['district']}, {row['province']}")
        new = next(one for one in get_data(["provinceCode", "ward", "wardCode"]) if is_same(one, unit))
        assert became[row["wardCode"]] == new["wardCode"]


def is_same(row: dict[str, str], unit: Any) -> bool:
    return row["provinceCode"] == "96" and row["ward"] == unit.ward


def test_no_balance_moves_because_a_boundary_did(merger: list[Sent]) -> None:
    before, after = on(merger, "2025-06-30"), on(merger, "2025-07-01")
    events = next(sent for sent in merger if sent.day == "2025-07-01").files["loan_transactions"]
    quiet = before.merge(events[LOAN].drop_duplicates(), on=LOAN, how="left", indicator=True)
    quiet = quiet[quiet["_merge"] == "left_only"].merge(after, on=LOAN, suffixes=("", "_after"))
    assert len(quiet) > 0.9 * len(before)
    for column in BUCKETS:
        assert (quiet[column] == quiet[f"{column}_after"]).all()


def test_district_money_is_handed_to_the_province_on_the_last_day(merger: list[Sent]) -> None:
    district = {}
    for sent in merger:
        positions = sent.files["capital_positions"]
        money = sent.money("capital_positions", "balance_vnd")[positions["source_code"] == "DP_DISTRICT"]
        district[sent.day] = district.get(sent.day, 0) + int(money.sum())
        lent = (sent.files["loan_book"]["source_code"] == "DP_DISTRICT").any()
        assert lent == (sent.day < "2025-06-30")
    assert district["2025-06-29"] > 0
    assert district["2025-06-30"] == district["2025-07-01"] == 0
    moves = pd.concat(sent.files["capital_transactions"] for sent in merger if sent.day == "2025-06-30")
    moved = moves[moves["kind"].str.startswith("reallocated")]
    totals = moved.assign(vnd=moved["amount_vnd"].astype("int64")).groupby(["kind", "source_code"])["vnd"].sum()
    assert totals.to_dict() == {
        ("reallocated_in", "DP_PROVINCE"): district["2025-06-29"],
        ("reallocated_out", "DP_DISTRICT"): district["2025-06-29"],
    }


def test_one_head_office_is_left_after_the_merger(merger: list[Sent]) -> None:
    heads = {sent.day: (sent.files["offices"]["kind"] == "branch_office").sum() for sent in merger}
    assert set(heads.values()) == {1}


def test_events_carry_the_commune_code_of_their_value_date(merger: list[Sent]) -> None:
    for sent in merger:
        communes = set(sent.files["loan_transactions"]["commune_code"])
        own = set(sent.files["transaction_points"]["commune_code"])
        assert communes <= own
