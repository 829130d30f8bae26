"""The first night of a warehouse, when the only delivery is a bad one: nothing is visible, and the board of deliveries is."""

from __future__ import annotations

from pathlib import Path

from pipeline.build import build
from tests.support.deliveries import first_delivery
from tests.support.warehouses import new_warehouse, remove_warehouse, run_short_night, without_great_expectations
from warehouse.connect import Warehouse


def test_a_warehouse_whose_first_delivery_is_held_shows_that(warehouse: Warehouse, tmp_path: Path) -> None:
    own = new_warehouse(warehouse, tmp_path)
    try:
        first_delivery("96", "2025-09-28").edit("ledger_balances", 0, closing_vnd="1").write(Path(own.settings.landing))
        with without_great_expectations():
            run_short_night(own)
        build(own)
        with own.connect("admin") as connection:
            shown = connection.execute(
                "select business_date::text, verdict, published_revision, is_late from marts.mart_delivery_status where branch_code = '96'"
            ).fetchall()
            assert shown == [("2025-09-28", "held", None, True)]
            assert connection.execute("select count(*) from marts.mart_branch_scorecard").fetchone() == (0,)
    finally:
        remove_warehouse(own)
