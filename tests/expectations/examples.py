"""Examples for every expectation: a row that keeps it (green) and a row that does not (red), with what must be found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contract.model import Column, ColumnType, Dataset
from expectations.derived import COMMUNES_AS_AT_THE_VALUE_DATE, MAY_LIE_AHEAD
from tests.expectations.rows import DISSOLVED, vary

AHEAD, LATE = "2025-10-01", "2025-09-30T19:00:01+07:00"
LONG = "x" * 25


@dataclass(frozen=True)
class Example:
    """A row of `dataset` that differs from a good one by `changes`; red where `found` names columns."""

    dataset: str
    statement: str
    changes: dict[str, Any]
    found: frozenset[str]

    @property
    def sentence(self) -> str:
        """The name of the example in the list of tests."""
        changed = ",".join(f"{name}={value}" for name, value in self.changes.items())
        return f"{self.dataset}-{self.statement}-{'red' if self.found else 'green'}-{changed}"


def red(dataset: str, statement: str, *found: str, **changes: Any) -> Example:
    """An example against a statement; the columns that are found are those changed unless given."""
    return Example(dataset, statement, changes, frozenset(found or changes))


def green(dataset: str, statement: str, **changes: Any) -> Example:
    """An example that looks odd and yet keeps the statement."""
    return Example(dataset, statement, changes, frozenset())


def written_examples() -> Iterator[Example]:
    """Yield the examples for the sentences of the suite files."""
    yield from _loan_book()
    yield from _loan_transactions()
    name = "amounts_are_not_zero"
    yield red("capital_transactions", name, amount_vnd=0)
    yield green("capital_transactions", name, amount_vnd=-5_000_000)
    name = "corrections_negate_an_amount"
    yield red("capital_transactions", name, amount_vnd=-(2**63))
    yield green("capital_transactions", name, amount_vnd=1 - 2**63)
    name = "active_groups_have_5_to_60_members"
    for members, status in ((4, "active"), (61, "active"), (0, "active")):
        yield red("savings_groups", name, "members", members=members, status=status)
    for members, status in ((5, "active"), (60, "active"), (0, "closed")):
        yield green("savings_groups", name, members=members, status=status)
    yield red("savings_groups", "grades_are_not_ahead", graded_month="2025-10")
    yield green("savings_groups", "grades_are_not_ahead", graded_month=None)
    name = "targets_have_at_most_32_digits"
    for value in ("1" + "0" * 32, "-1" + "0" * 32):
        yield red("plan_targets", name, target_value=value)
    yield green("plan_targets", name, target_value="-" + "9" * 32 + ".9999")
    name = "communes_of_targets_exist"
    for code in ("99999", DISSOLVED):
        yield red("plan_targets", name, "scope_code", scope_kind="commune", scope_code=code)
    yield green("plan_targets", name, scope_kind="commune", scope_code="32244")
    yield green("plan_targets", name, scope_kind="office", scope_code="99999")


def _loan_book() -> Iterator[Example]:
    name = "outstanding_is_more_than_zero"
    yield red("loan_book", name, "in_term_vnd", in_term_vnd=0)
    yield green("loan_book", name, in_term_vnd=0, frozen_vnd=1, frozen_until="2026-01-01")
    yield green("loan_book", name, in_term_vnd=2**63 - 1, overdue_vnd=2**63 - 1, overdue_since="2025-09-01")
    name = "overdue_since_where_overdue"
    yield red("loan_book", name, overdue_since="2025-09-01")
    yield red("loan_book", name, "overdue_since", overdue_vnd=1)
    yield green("loan_book", name, overdue_vnd=1, overdue_since="2025-09-30")
    name = "maturity_not_before_disbursement"
    overdue = {"in_term_vnd": 0, "overdue_vnd": 1, "overdue_since": "2025-08-15"}
    yield red("loan_book", name, "maturity_on", disbursed_on="2025-08-02", maturity_on="2025-08-01", **overdue)
    yield green("loan_book", name, disbursed_on="2025-09-30", maturity_on="2025-09-30")
    name = "extension_is_after_maturity"
    yield red("loan_book", name, extended_to="2026-05-10")
    yield green("loan_book", name, extended_to="2026-05-11")
    yield from _terms_of_loans()
    name = "in_term_balance_is_not_past_maturity"
    yield red("loan_book", name, "in_term_vnd", maturity_on="2025-09-29")
    yield red("loan_book", name, "in_term_vnd", maturity_on="2024-09-29", extended_to="2025-09-29")
    yield green("loan_book", name, maturity_on="2025-09-30")
    yield green("loan_book", name, maturity_on="2025-09-29", extended_to="2025-09-30")
    yield green("loan_book", name, maturity_on="2025-09-29", in_term_vnd=0, overdue_vnd=1, overdue_since="2025-09-29")
    name = "freeze_has_not_run_out"
    yield red("loan_book", name, "frozen_until", frozen_vnd=1, frozen_until="2025-09-29")
    yield green("loan_book", name, frozen_vnd=1, frozen_until="2025-09-30")
    yield green("loan_book", name, frozen_vnd=1, frozen_until=None)
    yield green("loan_book", name, frozen_vnd=0, frozen_until="2025-09-29")
    yield red("loan_book", "overdue_rate_is_130_percent", overdue_rate_pct="8.5")
    yield green("loan_book", "overdue_rate_is_130_percent", overdue_rate_pct="8.5800")
    yield red("loan_book", "disbursed_is_not_above_approved", disbursed_vnd=50_000_001)
    yield green("loan_book", "disbursed_is_not_above_approved", disbursed_vnd=49_999_999)


def _terms_of_loans() -> Iterator[Example]:
    name = "terms_are_within_the_programme"
    over = 100_000_001
    yield red("loan_book", name, rate_pct="6.6001")
    yield red("loan_book", name, rate_pct="6.5999")
    yield red("loan_book", name, approved_vnd=over)
    yield red("loan_book", name, "disbursed_vnd", disbursed_vnd=over)
    yield red("loan_book", name, "approved_vnd", approved_vnd=over, disbursed_vnd=over)
    job = {"programme_code": "3", "disbursed_on": "2024-01-31"}
    yield red("loan_book", name, "maturity_on", **job, maturity_on="2034-02-01")
    yield red("loan_book", name, "approved_vnd", **job, approved_vnd=over)
    yield green("loan_book", name, **job, maturity_on="2034-01-31", approved_vnd=100_000_000)
    # Local money: the province sets the rate; the cap is the same.
    yield green("loan_book", name, source_code="DP_COMMUNE", rate_pct="9")
    yield red("loan_book", name, "approved_vnd", source_code="DP_COMMUNE", approved_vnd=over)
    # Nothing on record: a rate before 2026, a programme without parameters, a day before the first parameter.
    yield green("loan_book", name, **job, rate_pct="9.5")
    yield green("loan_book", name, programme_code="99", approved_vnd=over, rate_pct="12")
    yield green("loan_book", name, disbursed_on="2002-10-03", rate_pct="12", approved_vnd=over)


def _loan_transactions() -> Iterator[Example]:
    name = "amounts_are_more_than_zero"
    yield red("loan_transactions", name, amount_vnd=0)
    yield red("loan_transactions", name, amount_vnd=-1_000_000)
    yield red("loan_transactions", name, "amount_vnd", kind="extension", bucket=None, amount_vnd=1)
    yield green("loan_transactions", name, kind="extension", bucket=None, amount_vnd=0)
    yield from _reversals()
    name = "buckets_stand_where_they_belong"
    for kind in ("principal", "write_off", "transfer_in", "transfer_out", "to_frozen", "from_frozen"):
        yield red("loan_transactions", name, "bucket", kind=kind, bucket=None)
        yield green("loan_transactions", name, kind=kind, bucket="overdue")
    for kind in ("to_frozen", "from_frozen"):
        yield red("loan_transactions", name, "bucket", kind=kind, bucket="frozen")
    yield green("loan_transactions", name, kind="principal", bucket="frozen")
    for kind in ("disbursement", "interest", "to_overdue", "from_overdue"):
        yield red("loan_transactions", name, "bucket", kind=kind, bucket="in_term")
        yield green("loan_transactions", name, kind=kind, bucket=None)
    yield red("loan_transactions", name, "bucket", kind="extension", bucket="in_term", amount_vnd=0)
    name = "communes_existed_at_the_value_date"
    for code in ("99999", DISSOLVED):
        yield red("loan_transactions", name, commune_code=code)
    yield green("loan_transactions", name, commune_code="32248")


def _reversals() -> Iterator[Example]:
    name = "reversals_negate_what_they_reverse"
    yield green("loan_transactions", name, txn_id="R1", reverses_txn_id="T1", amount_vnd=-1_000_000)
    yield green("loan_transactions", name, txn_id="R2", reverses_txn_id="R1", amount_vnd=1_000_000)
    yield green("loan_transactions", name, reverses_txn_id="EARLIER", amount_vnd=-7, kind="interest", bucket=None)
    extension = {"kind": "extension", "bucket": None, "amount_vnd": 0}
    yield green("loan_transactions", name, txn_id="T2", **extension)
    yield green("loan_transactions", name, reverses_txn_id="T2", **extension)
    yield green("loan_transactions", name, reverses_txn_id="EARLIER", **extension)
    # What it reverses may be a reversal itself, in a delivery that is not looked at.
    yield green("loan_transactions", name, reverses_txn_id="EARLIER", amount_vnd=1_000_000)
    yield red("loan_transactions", name, "amount_vnd", reverses_txn_id="T1", amount_vnd=1_000_000)
    yield red("loan_transactions", name, "amount_vnd", reverses_txn_id="T1", amount_vnd=-999_999)
    yield red("loan_transactions", name, "amount_vnd", reverses_txn_id="EARLIER", amount_vnd=0)
    yield red("loan_transactions", name, "amount_vnd", reverses_txn_id="EARLIER", **extension | {"amount_vnd": 1})
    yield red("loan_transactions", name, "amount_vnd", reverses_txn_id="EARLIER", **extension | {"amount_vnd": -1})
    yield red("loan_transactions", name, "bucket", reverses_txn_id="T1", amount_vnd=-1_000_000, bucket="overdue")
    yield red("loan_transactions", name, "kind", reverses_txn_id="T1", amount_vnd=-1_000_000, kind="write_off")


def derived_examples(dataset: Dataset) -> Iterator[Example]:
    """Yield a red example for each check that follows from the contract."""
    yield red(dataset.name, "rows_belong_to_the_delivery", branch_code="01")
    yield red(dataset.name, "rows_belong_to_the_delivery", business_date="2025-09-29")
    yield red(dataset.name, "rows_belong_to_the_delivery", row_no=10**9)
    if dataset.is_large:
        yield red(dataset.name, "rows_belong_to_the_delivery", delivery_id=0)
    for column in dataset.raw_columns:
        if not column.nullable:
            yield red(dataset.name, "required_values_are_present", **{column.name: None})
        for statement, value in _wrong_values(dataset, column):
            yield red(dataset.name, statement, **{column.name: value})


def _wrong_values(dataset: Dataset, column: Column) -> Iterator[tuple[str, Any]]:
    if column.type is ColumnType.CODE:
        yield from (("codes_and_texts_are_well_formed", value) for value in ("a b", "mã", "", LONG, "a\n"))
    if column.type is ColumnType.TEXT:
        yield from (("codes_and_texts_are_well_formed", value) for value in ("", "x" * 501, "a\tb"))
    if column.type is ColumnType.MONTH:
        yield from (("codes_and_texts_are_well_formed", value) for value in ("2025-13", "09/2025"))
    if column.values:
        yield from (("words_are_of_the_contract", value) for value in (column.values[0].swapcase(), "?"))
    if column.type in (ColumnType.VND, ColumnType.INT, ColumnType.RATE) and not column.is_signed:
        yield "numbers_are_in_range", -1
    if column.type in (ColumnType.RATE, ColumnType.DECIMAL):
        yield from (("numbers_are_in_range", value) for value in ("1.23456", "NaN", "infinity"))
    if column.maximum is not None:
        yield "numbers_are_in_range", column.maximum + 1
    if column.name == "value_date":
        yield from (("value_dates_are_in_the_interval", value) for value in ("2025-09-29", AHEAD))
    elif column.type is ColumnType.DATE and (dataset.name, column.name) not in MAY_LIE_AHEAD:
        yield "dates_are_not_ahead", AHEAD
    if column.type is ColumnType.TIMESTAMP:
        yield "timestamps_are_not_after_close", LATE
    if (
        column.reference
        and column.reference.dataset == "communes"
        and dataset.name not in COMMUNES_AS_AT_THE_VALUE_DATE
    ):
        yield from (("communes_exist", value) for value in ("99999", DISSOLVED))


def row_of(example: Example) -> dict[str, Any]:
    """The row of an example."""
    return vary(example.dataset, **example.changes)
