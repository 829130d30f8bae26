"""Sums that come out to the đồng."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples.fit import CannotFitError, allocate, fit_sum


@given(st.data())
def test_fitted_values_lie_within_their_bounds_and_make_the_total(data: st.DataObject) -> None:
    bounds = data.draw(st.lists(st.tuples(st.integers(0, 10**8), st.integers(0, 10**9)), min_size=1, max_size=30))
    low = np.array([base for base, _ in bounds])
    high = low + np.array([room for _, room in bounds])
    total = data.draw(st.integers(int(low.sum()), int(high.sum())))
    fitted = fit_sum(low + 5, low, high, total, 100_000)
    assert fitted.sum() == total
    assert (fitted >= low).all()
    assert (fitted <= high).all()


def test_a_total_outside_the_bounds_is_refused() -> None:
    with pytest.raises(CannotFitError, match="101 lies outside 0 to 100"):
        fit_sum(np.zeros(10), 0, 10, 101, 1)


def test_all_but_a_few_values_stay_round() -> None:
    fitted = fit_sum(np.full(1000, 5_000_000.0), 0, 9_000_000, 5_000_123_457, 100_000)
    assert (fitted % 100_000 != 0).sum() <= 1


@given(st.integers(-(10**13), 10**13), st.lists(st.floats(0, 1e6), min_size=1, max_size=40))
def test_shares_add_up_to_what_was_split(total: int, weights: list[float]) -> None:
    assert allocate(total, weights).sum() == total
