"""Days on which a branch works."""

from __future__ import annotations

from datetime import date

import numpy as np

from samples.calendar import add_months, draw_days, read_sitting_days, window_of
from samples.fit import stream

QUARTER = window_of((date(2023, 12, 31), date(2024, 3, 31)))


def test_events_lie_after_the_first_and_not_after_the_last_date() -> None:
    days, _ = draw_days(stream(1, "a test"), QUARTER, np.arange(10_000) % 31 + 1)
    assert days.min() > np.datetime64("2023-12-31")
    assert days.max() == np.datetime64("2024-03-31")


def test_however_few_events_the_last_night_has_one() -> None:
    for seed in range(20):
        days, is_point = draw_days(stream(seed, "a test"), QUARTER, np.array([5, 6, 7]))
        assert (days == np.datetime64("2024-03-31")).any()
        assert not is_point[days == np.datetime64("2024-03-31")].any()


def test_a_point_of_the_31st_sits_on_the_last_day_of_a_short_month() -> None:
    days, is_inside = read_sitting_days(QUARTER, np.datetime64("2024-02-01"), np.array([31, 20]))
    assert list(days) == [np.datetime64("2024-02-29"), np.datetime64("2024-02-20")]
    assert is_inside.all()


def test_points_of_the_new_year_holidays_are_made_up_after_them() -> None:
    days, _ = read_sitting_days(QUARTER, np.datetime64("2024-02-01"), np.array([10]))
    assert list(days) == [np.datetime64("2024-02-18")]


def test_a_term_never_comes_out_longer_than_agreed() -> None:
    due = np.array(["2024-03-31", "2024-02-29"], dtype="datetime64[D]")
    assert list(add_months(due, np.array([-60, -60]))) == [np.datetime64("2019-04-01"), np.datetime64("2019-03-01")]
    assert list(add_months(due, np.array([11, 12]))) == [np.datetime64("2025-02-28"), np.datetime64("2025-02-28")]
