"""Every generated delivery keeps the whole contract, as an auditor of its own sees it; and that auditor sees faults."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from samples.places import list_localities
from tests.samples.auditing import Sent, find_descriptor_faults, find_relation_faults, find_value_faults
from tests.samples.rolling import find_jumps, find_roll_forward_faults, find_warnings

Change = Callable[[dict[str, pd.DataFrame]], None]


def known_communes(day: str) -> set[str]:
    return {place.old_code if day < "2025-07-01" else place.new_code for place in list_localities()}


def test_descriptor_says_what_the_files_hold(every_delivery: list[Sent]) -> None:
    assert {sent.folder: find_descriptor_faults(sent) for sent in every_delivery if find_descriptor_faults(sent)} == {}


def test_values_are_written_as_their_types_say(every_delivery: list[Sent]) -> None:
    assert [fault for sent in every_delivery for fault in find_value_faults(sent)] == []


def test_keys_references_and_tie_outs_hold(every_delivery: list[Sent]) -> None:
    assert [fault for sent in every_delivery for fault in find_relation_faults(sent)] == []


def test_opening_and_events_make_the_closing_of_every_contract(every_step: list[tuple[list[Sent], Sent]]) -> None:
    assert len(every_step) == 14
    assert [fault for earlier, later in every_step for fault in find_roll_forward_faults(earlier, later)] == []


def test_nothing_is_warned_of(every_delivery: list[Sent]) -> None:
    assert [text for sent in every_delivery for text in find_warnings(sent, known_communes(sent.day))] == []


def test_nothing_jumps_except_what_the_merger_itself_makes_fewer(every_step: list[tuple[list[Sent], Sent]]) -> None:
    jumps = {later.day: find_jumps(earlier, later) for earlier, later in every_step if find_jumps(earlier, later)}
    # Two branches became one and three communes one: fewer targets, fewer lines of deposits.
    assert {day: [jump.split(":")[0] for jump in found] for day, found in jumps.items()} == {
        "2025-07-01": ["deposits", "plan_targets"]
    }


def test_first_delivery_has_no_previous_date_and_no_events(ninh_thuan: list[Sent], ca_mau: list[Sent]) -> None:
    for sample in (ninh_thuan, ca_mau):
        assert sample[0].descriptor["previousBusinessDate"] is None
        assert all(sent.descriptor["previousBusinessDate"] for sent in sample[1:])
        for name in ("loan_transactions", "capital_transactions", "risk_decisions"):
            assert len(sample[0].files[name]) == 0
            assert len(sample[0].files[name].columns) > 5


def test_every_night_has_transactions(every_step: list[tuple[list[Sent], Sent]]) -> None:
    assert all(len(later.files["loan_transactions"]) > 0 for _, later in every_step)


def test_every_kind_of_event_occurs(merger: list[Sent]) -> None:
    kinds = {kind for sent in merger for kind in sent.files["loan_transactions"]["kind"]}
    assert len(kinds) == 11
    assert any((sent.files["loan_transactions"]["reverses_txn_id"] != "").any() for sent in merger)
    assert {m for sent in merger for m in sent.files["risk_decisions"]["measure"]} >= {"extend", "freeze", "unfreeze"}


def test_contract_numbers_are_used_again_for_other_customers(merger: list[Sent]) -> None:
    book = pd.concat(sent.files["loan_book"] for sent in merger[:2])
    assert book["contract_no"].duplicated().any()
    assert not book.duplicated(["contract_no", "customer_id"]).any()


def test_events_of_a_paid_off_contract_remain_without_its_loan(ninh_thuan: list[Sent]) -> None:
    last = ninh_thuan[-2]
    keys = ["contract_no", "customer_id"]
    flows = last.files["loan_transactions"].merge(last.files["loan_book"][keys], on=keys, how="left", indicator=True)
    assert (flows["_merge"] == "left_only").any()


def set_cell(name: str, column: str, value: str, row: int = 0) -> Change:
    def change(files: dict[str, pd.DataFrame]) -> None:
        files[name] = files[name].copy()
        files[name].loc[files[name].index[row], column] = value

    return change


def add_dong(name: str, column: str, row: int = 0) -> Change:
    def change(files: dict[str, pd.DataFrame]) -> None:
        files[name] = files[name].copy()
        place = files[name].index[row]
        files[name].loc[place, column] = str(int(files[name].loc[place, column]) + 1)

    return change


def drop_row(name: str, row: int = 0) -> Change:
    def change(files: dict[str, pd.DataFrame]) -> None:
        files[name] = files[name].drop(files[name].index[row])

    return change


def find_all(earlier: Sent, later: Sent) -> list[str]:
    return [
        *find_descriptor_faults(later),
        *find_value_faults(later),
        *find_relation_faults(later),
        *find_roll_forward_faults([earlier], later),
        *find_warnings(later, known_communes(later.day)),
        *find_jumps([earlier], later),
    ]


@pytest.mark.parametrize(
    ("expected", "change"),
    [
        ("loan_book: control totals", add_dong("loan_book", "in_term_vnd")),
        ("in_term does not roll forward for 1 contracts", add_dong("loan_book", "in_term_vnd")),
        ("ledger_balances: in_term does not tie to the loan book", add_dong("ledger_balances", "closing_vnd")),
        ("deposits: not the mobilised capital", add_dong("deposits", "balance_vnd")),
        ("capital does not roll forward", add_dong("capital_positions", "balance_vnd")),
        ("in_term does not roll forward for 1 contracts", drop_row("loan_book")),
        ("loan_book: row count", drop_row("loan_book")),
        ("customers: key checksum", set_cell("customers", "customer_id", "00")),
        ("loan_book.customer_id: not in customers", set_cell("loan_book", "customer_id", "00")),
        ("loan_book.group_code: not in savings_groups", set_cell("loan_book", "group_code", "00")),
        ("loan_book.maturity_on: no such day", set_cell("loan_book", "maturity_on", "2030-02-30")),
        ("loan_book.disbursed_on: after the business date", set_cell("loan_book", "disbursed_on", "2090-01-01")),
        ("loan_book.method: an unknown word", set_cell("loan_book", "method", "Direct")),
        ("loan_book.office_code: a required value is missing", set_cell("loan_book", "office_code", "")),
        ("customers.full_name: not in NFC", set_cell("customers", "full_name", "Nguye\u0302\u0303n")),
        ("customers.changed_at: later than the close of the day", set_cell("customers", "changed_at", "2090")),
        ("loan_book: overdue_since not exactly where something is overdue", set_cell("loan_book", "overdue_vnd", "9")),
        ("loan_book: frozen_until not exactly where something is frozen", set_cell("loan_book", "frozen_vnd", "9")),
        ("loan_book: extended to before its maturity", set_cell("loan_book", "extended_to", "2001-01-01")),
        ("loan_book: a loan without a balance", set_cell("loan_book", "in_term_vnd", "0")),
        ("loan_transactions: an event outside the interval", set_cell("loan_transactions", "value_date", "2001-01-01")),
        (
            "loan_transactions: an amount that is not above 0",
            set_cell("loan_transactions", "amount_vnd", "-5"),
        ),
        ("a rate outside its programme's", set_cell("loan_book", "rate_pct", "6.5")),
        ("a loan above its programme's cap", set_cell("loan_book", "approved_vnd", "900000000000")),
        ("in term after its final maturity", set_cell("loan_book", "maturity_on", "2024-01-01")),
        ("a group of another size than 5 to 60", set_cell("savings_groups", "members", "61")),
        ("offices: an unknown commune", set_cell("offices", "commune_code", "99999")),
        ("a new pair ('1', 'DP_OTHER')", set_cell("loan_book", "source_code", "DP_OTHER")),
    ],
)
def test_auditor_sees_a_planted_fault(planted_ground: tuple[Sent, Sent], expected: str, change: Change) -> None:
    earlier, later = planted_ground
    files = dict(later.files)
    change(files)
    assert expected in find_all(earlier, Sent(later.folder, later.descriptor, files))


def test_auditor_finds_nothing_where_nothing_was_planted(planted_ground: tuple[Sent, Sent]) -> None:
    assert find_all(*planted_ground) == []


@pytest.fixture(scope="module")
def planted_ground(ninh_thuan: list[Sent]) -> tuple[Sent, Sent]:
    """Two deliveries; the later one's first loan is a plain one of programme 1, so that faults meet known ground."""
    earlier, later = ninh_thuan[-3], ninh_thuan[-2]
    book = later.files["loan_book"]
    plain = book[(book["programme_code"] == "1") & (book["overdue_vnd"] == "0") & (book["frozen_vnd"] == "0")]
    files = {**later.files, "loan_book": pd.concat([plain, book.drop(plain.index)])}
    return earlier, Sent(later.folder, later.descriptor, files)
