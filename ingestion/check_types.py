"""Check that every value of a column is written as its type says (extract contract, section 3).

A good column is let through by a fast test that never lets a wrong one pass; only where that test fails do the exact
rules run, over the whole column at once, to say which rows are wrong. `tests/ingestion` compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contract.model import BIGINT_MAX, BIGINT_MIN, LONGEST_TEXT, Column, ColumnType
from ingestion.check_fast import is_surely_good

TYPE_ERROR, CONSTRAINT_ERROR = "type-error", "constraint-error"
DATE = r"^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$"
TIME = r"^.{10}[T ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?\+07:00$"
SHAPES: Mapping[ColumnType, str] = {
    ColumnType.CODE: r"^[0-9A-Za-z._-]+$",
    ColumnType.MONTH: r"^[0-9]{4}-(?:0[1-9]|1[0-2])$",
    ColumnType.INT: r"^(?:0|[1-9][0-9]*)$",
    ColumnType.RATE: r"^[0-9]+(?:\.[0-9]{1,4})?$",
    ColumnType.DECIMAL: r"^-?[0-9]+(?:\.[0-9]{1,4})?$",
    ColumnType.FLAG: r"^[01]$",
}
AMOUNT, AMOUNT_SIGNED = r"^[0-9]+$", r"^-?[0-9]+$"
MINUS_ZERO = r"^-0+(?:\.0+)?$"
CONTROL = r"\p{Cc}"
FEW = 4
"""Where each distinct value stands for more rows than this, the distinct ones are checked instead."""
MESSAGES: Mapping[ColumnType, str] = {
    ColumnType.CODE: "A code is made of the letters A-Z a-z, the digits 0-9 and . _ - only: "
    "write it without spaces and other signs.",
    ColumnType.TEXT: "The text holds a control character, such as a tab or a line break: remove it.",
    ColumnType.ENUM: "The value is not one of the words allowed: write one of {words}.",
    ColumnType.DATE: "This is not a date: write a day that exists as YYYY-MM-DD.",
    ColumnType.MONTH: "This is not a month: write it as YYYY-MM.",
    ColumnType.TIMESTAMP: "This is not a timestamp with the offset +07:00: write it as YYYY-MM-DDThh:mm:ss+07:00.",
    ColumnType.VND: "This is not a whole amount in đồng: write ASCII digits only{sign}, without separators.",
    ColumnType.RATE: "This is not a rate in percent a year: write ASCII digits with a decimal point and at most "
    "4 decimals, without a sign.",
    ColumnType.DECIMAL: "This is not a decimal number: write ASCII digits with a decimal point and at most 4 decimals.",
    ColumnType.INT: "This is not a whole number: write ASCII digits without sign, separators and leading zeros.",
    ColumnType.FLAG: "This is not a flag: write 1 for yes or 0 for no.",
}


@dataclass(frozen=True)
class Fault:
    """The rows of a column that break one rule: `indices` into the values checked, from 0."""

    rule: str
    message: str
    indices: pa.Array


def find_faults(column: Column, values: pa.Array) -> list[Fault]:
    """Return what is wrong with `values` (strings, null where empty), each row once, under the first rule it breaks."""
    if is_surely_good(column, values):
        return []
    rules = _rules(column)
    distinct = pc.unique(values)
    if len(distinct) * FEW < len(values) and not any(_is_any(find(distinct)) for _, _, find in rules):
        return []
    faults, taken = [], pa.array(np.zeros(len(values), np.bool_))
    for rule, message, find in rules:
        wrong = pc.and_not(pc.fill_null(find(values), False), taken)
        if _is_any(wrong):
            taken = pc.or_(taken, wrong)
            faults.append(Fault(rule, message, pc.indices_nonzero(wrong)))
    return faults


def _is_any(mask: pa.Array) -> bool:
    return bool(pc.any(mask, min_count=0).as_py())


def _rules(column: Column) -> list[tuple[str, str, Callable[[pa.Array], pa.Array]]]:
    """Return the rules of a column in order: rule, message, and a function that tells which values break it."""
    rules: list[tuple[str, str, Callable[[pa.Array], pa.Array]]] = []
    if not column.nullable:
        rules.append((CONSTRAINT_ERROR, "The value is required: fill it in.", pc.is_null))
    rules.append((_rule_of(column), _message(column), lambda values: _breaks_type(column, values)))
    if column.values and column.type is not ColumnType.ENUM:
        message = _message(column, ColumnType.ENUM)
        rules.append((CONSTRAINT_ERROR, message, lambda values: _is_other_word(column, values)))
    if column.type in (ColumnType.CODE, ColumnType.TEXT, ColumnType.ENUM):
        message = f"The value has fewer than {column.min_length or 0} or more than {column.max_length or 0} characters."
        rules.append((CONSTRAINT_ERROR, message, lambda values: _breaks_length(column, values)))
    if column.pattern is not None:
        pattern = column.pattern
        message = f"The value does not match the pattern {pattern}."
        rules.append((CONSTRAINT_ERROR, message, lambda values: _has_other_shape(values, pattern)))
    if _has_limits(column):
        message = f"The value lies outside {_limits(column)}: correct it."
        rules.append((CONSTRAINT_ERROR, message, lambda values: _breaks_limits(column, values)))
    return rules


def _rule_of(column: Column) -> str:
    """Return the rule that a wrongly written value breaks: for plain strings a constraint, as in Frictionless."""
    strings = (ColumnType.CODE, ColumnType.TEXT, ColumnType.ENUM)
    return CONSTRAINT_ERROR if column.type in strings else TYPE_ERROR


def _message(column: Column, type_: ColumnType | None = None) -> str:
    sign = " (a minus sign only before an amount below 0)" if column.is_signed else ""
    return MESSAGES[type_ or column.type].format(words=", ".join(column.values), sign=sign)


def _limits(column: Column) -> str:
    return f"{'' if column.minimum is None else column.minimum} to {'' if column.maximum is None else column.maximum}"


def _breaks_type(column: Column, values: pa.Array) -> pa.Array:
    """Return which values are not written as the column's type says; null for null."""
    match column.type:
        case ColumnType.TEXT:
            wrong = pc.match_substring_regex(values, CONTROL)
        case ColumnType.ENUM:
            wrong = _is_other_word(column, values)
        case ColumnType.DATE:
            wrong = _is_no_date(values)
        case ColumnType.TIMESTAMP:
            wrong = pc.or_(_has_other_shape(values, TIME), _is_no_date(pc.utf8_slice_codeunits(values, 0, 10)))
        case ColumnType.VND:
            wrong = _is_no_bigint(values, AMOUNT_SIGNED if column.is_signed else AMOUNT)
        case ColumnType.INT:
            wrong = _is_no_bigint(values, SHAPES[column.type])
        case ColumnType.RATE | ColumnType.DECIMAL:
            wrong = pc.or_(_has_other_shape(values, SHAPES[column.type]), pc.match_substring_regex(values, MINUS_ZERO))
            wrong = pc.or_(wrong, pc.greater(pc.utf8_length(values), LONGEST_TEXT))
        case ColumnType.MONTH:
            wrong = pc.or_(_has_other_shape(values, SHAPES[column.type]), pc.starts_with(values, "0000"))
        case _:
            wrong = _has_other_shape(values, SHAPES[column.type])
    return wrong


def _has_other_shape(values: pa.Array, shape: str) -> pa.Array:
    return pc.invert(pc.match_substring_regex(values, shape))


def _is_other_word(column: Column, values: pa.Array) -> pa.Array:
    is_other = pc.invert(pc.is_in(values, value_set=pa.array(column.values, pa.string())))
    return pc.if_else(pc.is_null(values), None, is_other)


def _is_no_date(values: pa.Array) -> pa.Array:
    """Return which values are no day of the calendar, years 0001 to 9999."""
    has_shape = pc.and_(pc.match_substring_regex(values, DATE), pc.invert(pc.starts_with(values, "0000")))
    day = pc.utf8_slice_codeunits(values, 5, 10)
    never = pc.is_in(day, value_set=pa.array(["02-30", "02-31", "04-31", "06-31", "09-31", "11-31"]))
    year = pc.utf8_slice_codeunits(values, 0, 4)
    number = pc.if_else(has_shape, year, None).cast(pa.int32())
    is_leap = pc.and_(_divides(number, 4), pc.or_(pc.invert(_divides(number, 100)), _divides(number, 400)))
    is_29 = pc.and_(pc.equal(day, "02-29"), pc.invert(pc.fill_null(is_leap, False)))
    return pc.or_(pc.invert(has_shape), pc.or_(never, is_29))


def _divides(number: pa.Array, by: int) -> pa.Array:
    return pc.equal(pc.subtract(number, pc.multiply(pc.divide(number, by), by)), 0)


def _is_no_bigint(values: pa.Array, shape: str) -> pa.Array:
    """Return which values do not have the `shape` of a whole number, are -0, or do not fit a bigint."""
    is_wrong = _has_other_shape(values, shape)
    is_wrong = pc.or_(is_wrong, pc.match_substring_regex(values, MINUS_ZERO))
    is_negative = pc.starts_with(values, "-")
    digits = pc.ascii_ltrim(pc.replace_substring(values, "-", "", max_replacements=1), "0")
    length = pc.utf8_length(digits)
    limit = pc.if_else(is_negative, str(-BIGINT_MIN), str(BIGINT_MAX))
    is_large = pc.or_(pc.greater(length, 19), pc.and_(pc.equal(length, 19), pc.greater(digits, limit)))
    return pc.or_(is_wrong, is_large)


def _breaks_length(column: Column, values: pa.Array) -> pa.Array:
    length = pc.utf8_length(values)
    is_short = pc.less(length, column.min_length or 0)
    return is_short if column.max_length is None else pc.or_(is_short, pc.greater(length, column.max_length))


def _breaks_limits(column: Column, values: pa.Array) -> pa.Array:
    """Return which numbers lie outside the column's limits; what is no number of the type is not judged here."""
    numbers = pc.if_else(pc.fill_null(_breaks_type(column, values), True), None, values)
    low, high = column.minimum, column.maximum
    if column.type in (ColumnType.VND, ColumnType.INT):
        numbers = numbers.cast(pa.int64())
        is_low = pc.less(numbers, BIGINT_MIN if low is None else low)
        return pc.or_(is_low, pc.greater(numbers, BIGINT_MAX if high is None else high))
    outside = [
        text
        for text in pc.unique(numbers).drop_null().to_pylist()
        if (low is not None and Decimal(text) < low) or (high is not None and Decimal(text) > high)
    ]
    return pc.is_in(numbers, value_set=pa.array(outside, pa.string()))


def _has_limits(column: Column) -> bool:
    """Return whether the limits say more than the type does: without a sign nothing is below 0."""
    is_unsigned = column.type in (ColumnType.INT, ColumnType.RATE, ColumnType.VND) and not column.is_signed
    return column.maximum is not None or (column.minimum is not None and not (column.minimum == 0 and is_unsigned))
