"""Days of business: points sit on one fixed day a month, with make-up days around Tết."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from samples.fit import BoolArray, DayArray, IntArray

ONE_DAY = np.timedelta64(1, "D")

# Tết holidays as decreed: first and last day off. Points that would sit then are made up after it.
_TET = (
    ("2023-01-20", "2023-01-26"),
    ("2024-02-08", "2024-02-14"),
    ("2025-01-25", "2025-02-02"),
    ("2026-02-14", "2026-02-22"),
)


@dataclass(frozen=True)
class Window:
    """The days after `first` up to and including `last`: what all the events of a sample lie in."""

    first: np.datetime64
    last: np.datetime64

    @property
    def days(self) -> int:
        """Number of days with events."""
        return int((self.last - self.first) / ONE_DAY)

    @property
    def quarters(self) -> float:
        """Length in quarters of 91 days: the rates of the stories are per quarter."""
        return self.days / 91

    @property
    def year_start(self) -> np.datetime64:
        """1 January of the last date's year."""
        start: np.datetime64 = self.last.astype("datetime64[Y]").astype("datetime64[D]")
        return start

    @property
    def months(self) -> DayArray:
        """First days of the months that the window touches."""
        start = (self.first + ONE_DAY).astype("datetime64[M]")
        return np.arange(start, self.last.astype("datetime64[M]") + 1).astype("datetime64[D]")


def window_of(business_dates: tuple[date, ...]) -> Window:
    """Return the window between the first and the last business date."""
    return Window(np.datetime64(business_dates[0], "D"), np.datetime64(business_dates[-1], "D"))


def read_sitting_days(window: Window, month: np.datetime64, day_of_month: IntArray) -> tuple[DayArray, BoolArray]:
    """Return the day on which each point sits in `month`, and whether that day lies in the window."""
    length = ((month.astype("datetime64[M]") + 1).astype("datetime64[D]") - month) / ONE_DAY
    days: DayArray = month.astype("datetime64[D]") + (np.minimum(day_of_month, int(length)) - 1) * ONE_DAY
    for first_off, last_off in _TET:
        is_off = (days >= np.datetime64(first_off)) & (days <= np.datetime64(last_off))
        days = np.where(is_off, days + 8 * ONE_DAY, days)
    return days, (days > window.first) & (days <= window.last)


def draw_days(
    rng: np.random.Generator, window: Window, day_of_month: IntArray, at_point: float = 0.85
) -> tuple[DayArray, BoolArray]:
    """Draw a day for each event: mostly the sitting day of its point, else any day (then `at a point` is false)."""
    count = day_of_month.size
    months = window.months
    picked = rng.integers(0, months.size, count)
    days = np.full(count, window.first, dtype="datetime64[D]")
    is_inside = np.zeros(count, dtype=np.bool_)
    for place, month in enumerate(months):
        chosen = picked == place
        days[chosen], is_inside[chosen] = read_sitting_days(window, month, day_of_month[chosen])
    is_point = is_inside & (rng.random(count) < at_point)
    anywhere = window.first + rng.integers(1, window.days + 1, count) * ONE_DAY
    # However small the sample, something happens on its last night.
    is_point[::200], anywhere[::200] = False, window.last
    return np.where(is_point, days, anywhere), is_point


def add_months(days: DayArray, months: IntArray) -> DayArray:
    """Move days by whole months; where the month is too short, to the first day of the next one, never past `months`.

    Forwards the day is cut to the 28th instead, so that a term never comes out longer than agreed.
    """
    start = days.astype("datetime64[M]")
    offset = (days - start.astype("datetime64[D]")) / ONE_DAY
    target = start + months
    forward = target.astype("datetime64[D]") + np.minimum(offset, 27).astype(np.int64) * ONE_DAY
    spill = (months < 0) & (offset > 27)
    return np.where(spill, (target + 1).astype("datetime64[D]"), forward)
