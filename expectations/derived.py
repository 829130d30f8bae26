"""The statements that follow from the contract alone: what every suite begins with.

The strict reader has checked most of this while streaming. Here it stands once more, in PostgreSQL, on what was
loaded: a second line against a broken loader. The forms are the cheap ones: 300,000 loans take about a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contract.model import Column, ColumnType, Dataset
from expectations.statements import Check, ExpectationSeverity, Statement

TAGS = ("delivery_id", "branch_code", "business_date", "row_no")
"""The columns that the warehouse adds to each row."""

MAY_LIE_AHEAD = frozenset(
    {
        ("loan_book", "maturity_on"),
        ("loan_book", "extended_to"),
        ("loan_book", "frozen_until"),
        ("risk_decisions", "effective_to"),
        ("plan_targets", "period_start"),
        ("plan_targets", "due_on"),
        ("plan_targets", "valid_from"),
    }
)
"""The dates that may lie after the business date (extract contract, section 5, rule 5)."""

COMMUNES_AS_AT_THE_VALUE_DATE = frozenset({"loan_transactions"})
"""Where the contract wants the commune of another day than the business date (section 4): see the suite itself."""

COMMUNES_ON_THE_DATE = """
    select m.commune_code from meta.communes as m
    where m.valid_from <= {business_date} and (m.valid_to is null or m.valid_to >= {business_date})
"""
CHARACTERS_OF_A_CODE = "0-9A-Za-z._-"
TYPES_WITH_A_FORM = (ColumnType.CODE, ColumnType.TEXT, ColumnType.MONTH)
NUMBERS = (ColumnType.VND, ColumnType.INT, ColumnType.RATE, ColumnType.DECIMAL)
CRITICAL, WARNING = ExpectationSeverity.CRITICAL, ExpectationSeverity.WARNING


def derive_statements(dataset: Dataset) -> Iterator[Statement]:
    """Yield the statements that the contract makes about the columns of `dataset` in schema raw."""
    yield _tagged_rows()
    for derive in (_required, _forms, _words, _numbers, _dates, _value_dates, _timestamps, _communes):
        statement = derive(dataset)
        if statement is not None:
            yield statement
    yield _unique_key(dataset)


def _tagged_rows() -> Statement:
    mend = "The warehouse has mixed up rows of this delivery; nothing is wrong with the file, load the delivery again."
    return Statement(
        "rows_belong_to_the_delivery",
        "Every row carries this delivery's number, branch and business date, and its row number in the file.",
        CRITICAL,
        (
            Check("delivery_id", "delivery_id = {delivery_id}", mend),
            Check("branch_code", "branch_code = {branch_code}", mend),
            Check("business_date", "business_date = {business_date}", mend),
            Check("row_no", "row_no between 1 and (select count(*) from {table})", mend),
        ),
    )


def _required(dataset: Dataset) -> Statement | None:
    return _statement(
        dataset,
        "required_values_are_present",
        "Every required value is filled in (trường bắt buộc).",
        lambda column: None if column.nullable else f"{column.name} is not null",
        lambda column: f"{column.name} is required but empty; fill it in.",
    )


def _forms(dataset: Dataset) -> Statement | None:
    return _statement(
        dataset,
        "codes_and_texts_are_well_formed",
        "Codes (mã) have at most 24 letters, digits, dots, dashes or underscores; texts at most 500 characters.",
        _form,
        lambda column: f"{column.name} is not written as a {column.type}; send it in the form of the extract contract.",
    )


def _form(column: Column) -> str | None:
    if column.type not in TYPES_WITH_A_FORM or column.values:
        return None
    form = f"{column.name} ~ '^[0-9]{{4}}-(0[1-9]|1[0-2])$'"
    if column.type is not ColumnType.MONTH:
        refused = f"[^{CHARACTERS_OF_A_CODE}]" if column.type is ColumnType.CODE else "[[:cntrl:]]"
        form = f"{column.name} !~ '{refused}' and length({column.name}) between 1 and {column.max_length}"
    return _optional(column, form)


def _words(dataset: Dataset) -> Statement | None:
    def check(column: Column) -> str | None:
        words = ", ".join(f"'{word}'" for word in column.values)
        return _optional(column, f"{column.name} in ({words})") if words else None

    return _statement(
        dataset,
        "words_are_of_the_contract",
        "Where the contract gives the words to choose from, one of them is used (danh mục).",
        check,
        lambda column: f"{column.name} is none of {', '.join(column.values)}; use one of these words.",
    )


def _numbers(dataset: Dataset) -> Statement | None:
    return _statement(
        dataset,
        "numbers_are_in_range",
        "Amounts in đồng, rates and counts are not below 0 where the contract has no sign, and within their limits.",
        _range,
        lambda column: f"{column.name} is outside its limits ({_limits(column)}); correct it.",
    )


def _range(column: Column) -> str | None:
    if column.type not in NUMBERS:
        return None
    minimum = 0 if column.minimum is None and column.type is not ColumnType.DECIMAL else column.minimum
    parts = [] if minimum is None or column.is_signed else [f"{column.name} >= {minimum}"]
    if column.maximum is not None:
        parts.append(f"{column.name} <= {column.maximum}")
    if column.type in (ColumnType.RATE, ColumnType.DECIMAL):
        # NaN and infinity have no scale, so this refuses them too.
        parts.append(f"scale(trim_scale({column.name})) <= 4")
    return _optional(column, " and ".join(parts)) if parts else None


def _limits(column: Column) -> str:
    least = "any" if column.is_signed or column.type is ColumnType.DECIMAL else f"at least {column.minimum or 0}"
    most = "" if column.maximum is None else f", at most {column.maximum}"
    decimals = ", 4 decimals" if column.type in (ColumnType.RATE, ColumnType.DECIMAL) else ""
    return f"{least}{most}{decimals}"


def _dates(dataset: Dataset) -> Statement | None:
    def check(column: Column) -> str | None:
        is_bounded = column.type is ColumnType.DATE and column.name != "value_date"
        if not is_bounded or (dataset.name, column.name) in MAY_LIE_AHEAD:
            return None
        return _optional(column, f"{column.name} <= {{business_date}}")

    return _statement(
        dataset,
        "dates_are_not_ahead",
        "What is said to have happened did not happen after the business date (ngày số liệu).",
        check,
        lambda column: f"{column.name} lies after the business date; correct the date.",
    )


def _value_dates(dataset: Dataset) -> Statement | None:
    return _statement(
        dataset,
        "value_dates_are_in_the_interval",
        "Every value date (ngày giá trị) lies after the previous business date and not after this one.",
        lambda column: (
            "value_date > {previous_business_date} and value_date <= {business_date}"
            if column.name == "value_date"
            else None
        ),
        lambda _: (
            "value_date is not in the interval of this delivery (after previousBusinessDate, up to businessDate);"
            " correct the date or send the row with the delivery of its own date."
        ),
    )


def _timestamps(dataset: Dataset) -> Statement | None:
    return _statement(
        dataset,
        "timestamps_are_not_after_close",
        "Nothing was recorded after the core closed the day (khóa sổ cuối ngày).",
        lambda column: (
            _optional(column, f"{column.name} <= {{cob_completed_at}}") if column.type is ColumnType.TIMESTAMP else None
        ),
        lambda column: f"{column.name} lies after cobCompletedAt; correct the time, or cobCompletedAt of the manifest.",
    )


def _communes(dataset: Dataset) -> Statement | None:
    def check(column: Column) -> str | None:
        if column.reference is None or column.reference.dataset != "communes":
            return None
        return _optional(column, f"{column.name} in ({COMMUNES_ON_THE_DATE})")

    if dataset.name in COMMUNES_AS_AT_THE_VALUE_DATE:
        return None
    return _statement(
        dataset,
        "communes_exist",
        "Every commune (xã, phường) is on the official list and was not dissolved before the business date.",
        check,
        lambda column: f"{column.name} is no commune of the official list on the business date; correct the code.",
        severity=WARNING,
        rule="unknown-commune",
    )


def _unique_key(dataset: Dataset) -> Statement:
    same = " and ".join(f"k.{name} = r.{name}" for name in dataset.key)
    key = ", ".join(dataset.key)
    # `offset 0` keeps PostgreSQL from sharing this out: each of its processes would group all the rows, not a part.
    joins = f"join (select {key} from {{table}} group by {key} having count(*) > 1 offset 0) as k on {same}"
    # In the words of the reader, which finds the same rows while streaming: the two are one finding.
    mend = "Another row has the same key: send each key once."
    shown = "concat_ws('|', " + ", ".join(f"r.{name}" for name in dataset.key) + ")"
    return Statement(
        "keys_are_unique",
        f"No two rows have the same key ({key}).",
        CRITICAL,
        (Check(key, "false", mend, shown),),
        rule="primary-key",
        joins=joins,
    )


def _optional(column: Column, holds: str) -> str:
    """A check of the value where there is one: whether there must be one is another statement."""
    return f"({column.name} is null or ({holds}))"


def _statement(
    dataset: Dataset,
    name: str,
    sentence: str,
    check: Callable[[Column], str | None],
    mend: Callable[[Column], str],
    *,
    severity: ExpectationSeverity = CRITICAL,
    rule: str = "constraint-error",
) -> Statement | None:
    """The statement with a check for each column of schema raw that `check` has SQL for; None if there is none."""
    found = [(column, check(column)) for column in dataset.raw_columns]
    checks = tuple(Check(column.name, holds, mend(column)) for column, holds in found if holds)
    return Statement(name, sentence, severity, checks, rule) if checks else None
