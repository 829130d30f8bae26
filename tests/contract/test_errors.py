"""Errors of the family cross from one process to another whole."""

from __future__ import annotations

import datetime as dt
import pickle

from contract.errors import UnsafeInputError, WarehouseError


def test_an_error_survives_the_way_between_two_processes() -> None:
    error = UnsafeInputError("It is a bomb", remedy="Send less.", branch_code="96", business_date=dt.date(2025, 9, 29))
    arrived = pickle.loads(pickle.dumps(error))
    assert (type(arrived), str(arrived)) == (UnsafeInputError, str(error))
    assert isinstance(arrived, WarehouseError)
