"""From numpy to the text of the files: codes, days, moments and words as Arrow columns, without a loop over rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from samples.fit import BoolArray, DayArray, IntArray

Column = Any  # a pyarrow Array: the library has no type stubs

_SECONDS_A_DAY = 86_400
_CLOCK = [f"T{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}+07:00" for s in range(_SECONDS_A_DAY)]


def pick(words: Sequence[str], places: IntArray) -> Column:
    """Return the word at each place; null where the place is below 0."""
    indices = pa.array(places, mask=places < 0) if (places < 0).any() else pa.array(places)
    return pa.array(list(words), pa.string()).take(indices)


def write_codes(prefix: Column, numbers: IntArray, width: int) -> Column:
    """Return `prefix` followed by the number with leading zeros."""
    digits = pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def write_days(days: DayArray) -> Column:
    """Return days as dates; not-a-time becomes null."""
    return pa.array(days.astype("datetime64[D]"))


def write_moments(days: DayArray, seconds: IntArray) -> Column:
    """Return moments as ISO text with the bank's offset, +07:00."""
    known, places = np.unique(days, return_inverse=True)
    return pc.binary_join_element_wise(pick([str(day) for day in known], places), pick(_CLOCK, seconds), "")


def write_integers(values: npt.ArrayLike, is_null: BoolArray | None = None) -> Column:
    """Return whole numbers; null where `is_null`."""
    return pa.array(np.asarray(values, dtype=np.int64), mask=is_null)


def blank(column: Column, is_null: BoolArray) -> Column:
    """Empty a column where `is_null`."""
    return pc.if_else(pa.array(is_null), pa.scalar(None, column.type), column)


def nothing(count: int) -> Column:
    """Return a column of nulls."""
    return pa.nulls(count, pa.string())
