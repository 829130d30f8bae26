"""The figures of the marts by plain pandas, from delivered rows and spec/marts.md alone: nothing is shared with dbt."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pandas as pd

from tests.support.deliveries import COLUMNS, MONEY, Delivery

Figures = dict[str, Any]
BANDS = ((30, "1-30"), (90, "31-90"), (180, "91-180"), (360, "181-360"))


def frame(delivery: Delivery, dataset: str) -> pd.DataFrame:
    """The rows of a dataset with đồng as integers and dates as timestamps; empty cells are missing."""
    rows = pd.DataFrame(delivery.rows[dataset], columns=COLUMNS[dataset].split(), dtype=object)
    for column in rows.columns:
        if column in MONEY.get(dataset, []):
            rows[column] = pd.to_numeric(rows[column]).fillna(0).astype("int64")
        elif column.endswith(("_on", "_since", "_to")) or column == "value_date":
            rows[column] = pd.to_datetime(rows[column].replace("", None))
        else:
            rows[column] = rows[column].replace("", None)
    return rows


def percent(numerator: int, denominator: int) -> Decimal | None:
    """A ratio in percent, six decimals, half up."""
    if denominator == 0:
        return None
    return (Decimal(100) * numerator / denominator).quantize(Decimal("0.000001"), ROUND_HALF_UP)


def loans_of(delivery: Delivery) -> pd.DataFrame:
    """The loan book with outstanding, days past due and overdue band."""
    loans, date = frame(delivery, "loan_book"), pd.Timestamp(delivery.date)
    loans["outstanding_vnd"] = loans["in_term_vnd"] + loans["overdue_vnd"] + loans["frozen_vnd"]
    final = loans["extended_to"].fillna(loans["maturity_on"])
    due = loans["oldest_unpaid_due_on"].fillna(final.where(final < date))
    loans["late"] = (date - due).dt.days.fillna(-1)
    loans["overdue_band"] = [
        _band(overdue, frozen, (date - since).days if pd.notna(since) else None)
        for overdue, frozen, since in zip(
            loans["overdue_vnd"], loans["frozen_vnd"], loans["overdue_since"], strict=True
        )
    ]
    return loans


def _band(overdue: int, frozen: int, days: int | None) -> str | None:
    if overdue > 0:
        assert days is not None
        return next((name for limit, name in BANDS if days <= limit), "over 360")
    return "frozen" if frozen > 0 else None


def open_cases(delivery: Delivery) -> pd.DataFrame:
    """Open cases of borrowers who left."""
    cases = frame(delivery, "absconded_cases")
    return cases[cases["closed_on"].isna() & (cases["management_status"] != "returned")]


def state(delivery: Delivery) -> Figures:
    """What the scorecard says of the delivery alone."""
    loans, cases, groups = loans_of(delivery), open_cases(delivery), frame(delivery, "savings_groups")
    capital = frame(delivery, "capital_positions")
    outstanding = int(loans["outstanding_vnd"].sum())
    overdue, frozen = int(loans["overdue_vnd"].sum()), int(loans["frozen_vnd"].sum())
    local = loans["source_code"].str.startswith("DP") if len(loans) else pd.Series([], dtype=bool)
    active = groups[groups["status"] == "active"]
    by_commune = loans.groupby("commune_code")["overdue_vnd"].sum()
    borrowers = loans["customer_id"].nunique()
    return {
        "outstanding_vnd": outstanding,
        "in_term_vnd": int(loans["in_term_vnd"].sum()),
        "overdue_vnd": overdue,
        "frozen_vnd": frozen,
        "loans": len(loans),
        "borrowers": borrowers,
        "avg_outstanding_per_borrower_vnd": (
            int((Decimal(outstanding) / borrowers).quantize(Decimal(1), ROUND_HALF_UP)) if borrowers else None
        ),
        "overdue_ratio_pct": percent(overdue, outstanding),
        "overdue_frozen_ratio_pct": percent(overdue + frozen, outstanding),
        "par30_ratio_pct": percent(int(loans.loc[loans["late"] > 30, "outstanding_vnd"].sum()), outstanding),
        "par90_ratio_pct": percent(int(loans.loc[loans["late"] > 90, "outstanding_vnd"].sum()), outstanding),
        "local_share_of_capital_pct": percent(
            int(capital.loc[capital["source_code"].str.startswith("DP"), "balance_vnd"].sum()),
            int(capital["balance_vnd"].sum()),
        ),
        "local_share_of_outstanding_pct": percent(int(loans.loc[local, "outstanding_vnd"].sum()), outstanding),
        "absconded_borrowers": cases["customer_id"].nunique(),
        "absconded_cases": len(cases),
        "entrusted_share_pct": percent(
            int(loans.loc[loans["method"] == "entrusted", "outstanding_vnd"].sum()), outstanding
        ),
        "groups": len(active),
        "groups_good_pct": percent(int((active["grade"] == "T").sum()), int(active["grade"].notna().sum())),
        "communes": loans["commune_code"].nunique(),
        "clean_communes": int((by_commune == 0).sum()),
    }


def flows(deliveries: Iterable[Delivery], start: str, end: str) -> Figures:
    """Turnover, collection and customers reached by value date in [start, end]."""
    all_rows = pd.concat([frame(delivery, "loan_transactions") for delivery in deliveries])
    rows = all_rows[all_rows["value_date"].between(pd.Timestamp(start), pd.Timestamp(end))]
    lent = rows[rows["kind"] == "disbursement"]
    by_customer = lent.groupby("customer_id")["amount_vnd"].sum()
    return {
        "disbursed": int(lent["amount_vnd"].sum()),
        "collected": int(rows.loc[rows["kind"] == "principal", "amount_vnd"].sum()),
        "reached": int((by_customer > 0).sum()),
    }


def balances(delivery: Delivery) -> dict[tuple[str, ...], tuple[int, ...]]:
    """mart_loan_balances of the delivery: key -> measures."""
    loans = loans_of(delivery)
    for days in (1, 30, 90, 180):
        loans[f"par{days}_vnd"] = loans["outstanding_vnd"].where(loans["late"] > days, 0)
    keys = ["office_code", "commune_code", "programme_code", "source_code", "organisation_code"]
    money = [
        "in_term_vnd", "overdue_vnd", "frozen_vnd", "outstanding_vnd", "interest_due_vnd", "interest_overdue_vnd",
        "par1_vnd", "par30_vnd", "par90_vnd", "par180_vnd",
    ]  # fmt: skip
    grouped = loans.groupby(keys)
    sums, sizes = grouped[money].sum(), grouped.size()
    return {key: (int(sizes[key]), *map(int, sums.loc[key])) for key in sizes.index}


def overdue_debt(delivery: Delivery) -> dict[tuple[str, ...], tuple[int, ...]]:
    """mart_overdue_debt of the delivery: key -> measures."""
    loans = loans_of(delivery)
    loans = loans[loans["overdue_band"].notna()].copy()
    left = loans["customer_id"].isin(set(open_cases(delivery)["customer_id"]))
    loans["absconded_loans"] = left.astype("int64")
    loans["absconded_overdue_vnd"] = loans["overdue_vnd"].where(left, 0)
    keys = ["office_code", "commune_code", "programme_code", "organisation_code", "overdue_band"]
    grouped = loans.groupby(keys)
    sums = grouped[["overdue_vnd", "frozen_vnd", "outstanding_vnd", "absconded_loans", "absconded_overdue_vnd"]].sum()
    sizes = grouped.size()
    return {key: (int(sizes[key]), *map(int, sums.loc[key])) for key in sizes.index}
