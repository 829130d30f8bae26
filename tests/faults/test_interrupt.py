"""A night that is interrupted while a delivery is judged ends, whatever its rules wait for, and the next one judges it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import expectations
from pipeline.branch import verify_branch
from pipeline.intake import load_pending, validate_delivery, validate_pending
from tests.support.deliveries import first_delivery
from tests.support.warehouses import new_warehouse
from warehouse.connect import Warehouse


def test_rules_that_wait_for_a_lock_do_not_hold_up_an_interruption(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = new_warehouse(warehouse, tmp_path / "home")
    first_delivery("96").write(Path(own.settings.landing))
    verify_branch(own, "96")
    (delivery_id,) = load_pending(own, "96")

    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, own.connect("admin") as other:
        other.execute(f"lock table raw.loan_book_d{delivery_id:d}")
        patch.setattr(expectations, "validate", interrupt)
        with pytest.raises(KeyboardInterrupt):
            validate_delivery(own, delivery_id)
    assert validate_pending(own, "96") == [delivery_id]
