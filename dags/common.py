"""What the DAGs share. Only wiring; everything that happens in a night is in `pipeline/`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Asset

TIMEZONE = "Asia/Ho_Chi_Minh"
LANDING = Asset("warehouse/landing", group="warehouse")
"""Where branches deliver. Nobody updates it in Airflow: nights look for themselves."""
VISIBLE = Asset("warehouse/visible", group="warehouse")
"""What a reader of the warehouse may see: the ledger has grown, or the marts have followed it."""
MARTS = Asset("warehouse/marts", group="warehouse")
"""The marts as boards and the quarter close read them."""

DEFAULTS: dict[str, Any] = {
    "owner": "data-platform",
    # A lost connection is often back by then. What is wrong in a delivery is a verdict, and not tried again.
    "retries": 2,
    "retry_delay": timedelta(seconds=30),
    "execution_timeout": timedelta(minutes=60),
}


def branch_name(code: str) -> str:
    """The label of a branch in the web page."""
    from pipeline import news  # noqa: PLC0415

    return news.branch_name(code)


MAPPED: dict[str, Any] = {
    "map_index_template": "{{ branch_name(task.op_kwargs['code']) }}",
    "max_active_tis_per_dagrun": 2,
}
"""Tasks of branches: named by them, at most two at once."""
