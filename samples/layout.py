"""The shape of the 15 files, read off section 4 of the branch-extract contract by hand: columns, keys, money columns.

Written down here a second time on purpose: the generator shares no code with what validates its files.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """One dataset: its columns in order, which of them make the key, and which are money."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    money: tuple[str, ...] = ()
    is_events: bool = False


def _layout(name: str, columns: str, key: str, is_events: bool = False) -> Layout:
    split = tuple(columns.split())
    return Layout(name, split, tuple(key.split()), tuple(c for c in split if c.endswith("_vnd")), is_events)


LAYOUTS = (
    _layout("offices", "office_code name kind commune_code opened_on closed_on", "office_code"),
    _layout(
        "transaction_points",
        "point_code office_code commune_code name day_of_month is_primary status opened_on closed_on",
        "point_code",
    ),
    _layout(
        "savings_groups",
        "group_code office_code commune_code hamlet_code point_code organisation_code leader_customer_id members "
        "founded_on grade graded_month status",
        "group_code",
    ),
    _layout(
        "customers",
        "customer_id office_code full_name birth_date sex ethnic_code national_id phone commune_code hamlet_code "
        "group_code beneficiary_class residence changed_at",
        "customer_id",
    ),
    _layout(
        "loan_book",
        "contract_no customer_id office_code commune_code hamlet_code point_code group_code organisation_code "
        "programme_code source_code method purpose_code disbursed_on maturity_on extended_to rate_pct "
        "overdue_rate_pct approved_vnd disbursed_vnd in_term_vnd overdue_vnd frozen_vnd interest_due_vnd "
        "interest_overdue_vnd overdue_since oldest_unpaid_due_on frozen_until is_restructured",
        "contract_no customer_id",
    ),
    _layout(
        "loan_transactions",
        "txn_id contract_no customer_id office_code value_date posted_at kind bucket amount_vnd programme_code "
        "source_code commune_code reverses_txn_id point_code channel",
        "txn_id",
        is_events=True,
    ),
    _layout("capital_positions", "source_code office_code balance_vnd", "source_code office_code"),
    _layout(
        "capital_transactions",
        "entry_id source_code office_code value_date kind amount_vnd decision_no programme_code commune_code",
        "entry_id",
        is_events=True,
    ),
    _layout("deposits", "kind office_code commune_code accounts balance_vnd", "kind office_code commune_code"),
    _layout(
        "ledger_balances",
        "account_code office_code programme_code bucket closing_vnd",
        "account_code office_code programme_code",
    ),
    _layout(
        "plan_targets",
        "plan_id version indicator scope_kind scope_code programme_code source_code period_start due_on target_value "
        "unit decided_on decision_no valid_from",
        "plan_id version",
    ),
    _layout(
        "eligible_demand",
        "case_id kind programme_code commune_code as_of status need_vnd contract_no customer_id",
        "case_id",
    ),
    _layout(
        "absconded_cases",
        "case_id customer_id office_code commune_code left_on address_known management_status recovered_vnd closed_on "
        "updated_at",
        "case_id",
    ),
    _layout(
        "risk_decisions",
        "decision_id contract_no customer_id measure reason_code principal_vnd interest_vnd decided_on decision_no "
        "effective_to",
        "decision_id",
        is_events=True,
    ),
    _layout(
        "inspections",
        "inspection_id body level inspected_on commune_code organisation_code groups_checked households_checked "
        "findings misuse_cases fixed_on",
        "inspection_id",
    ),
)

LAYOUT = {layout.name: layout for layout in LAYOUTS}
