"""What both DAGs share. Only wiring; everything that happens in a night is in `pipeline/`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Asset

TIMEZONE = "Asia/Ho_Chi_Minh"
VISIBLE = Asset("warehouse/visible")
"""What a reader of the warehouse may see: the ledger has grown, or the marts have followed it."""

DEFAULTS: dict[str, Any] = {
    "owner": "data-platform",
    # A lost connection is often back by then. What is wrong in a delivery is a verdict, and not tried again.
    "retries": 2,
    "retry_delay": timedelta(seconds=30),
    "execution_timeout": timedelta(minutes=60),
}
