"""The deadline of a night: the moment by which the books of a business date should be here. Times are Vietnam's."""

from __future__ import annotations

import datetime as dt
import os
import re
from zoneinfo import ZoneInfo

from contract.errors import WarehouseError

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
SETTING = "WAREHOUSE_DEADLINE"
DEFAULT = "08:00"
"""On the day after the business date; the same hour by which `mart_delivery_status` calls a delivery late."""


def read_deadline() -> dt.time:
    """Return the hour of the deadline from the environment. Raises WarehouseError when it is no HH:MM."""
    text = os.environ.get(SETTING) or DEFAULT
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise WarehouseError(f"{SETTING} is {text!r}", remedy=f"Write an hour such as {DEFAULT}, or leave it out.")
    return dt.time.fromisoformat(text)


def deadline_of(business_date: dt.date) -> dt.datetime:
    """Return the moment after which a delivery for this date is late."""
    if business_date == dt.date.max:
        return dt.datetime.max.replace(tzinfo=ZONE)
    return dt.datetime.combine(business_date + dt.timedelta(days=1), read_deadline(), ZONE)


def last_due_date(now: dt.datetime) -> dt.date:
    """Return the newest business date whose deadline has passed."""
    today = now.astimezone(ZONE).date()
    return today - dt.timedelta(days=1 if now >= deadline_of(today - dt.timedelta(days=1)) else 2)


def clock() -> dt.datetime:
    """Return the time. The only place where seeing and telling ask for it; figures never do."""
    return dt.datetime.now(ZONE)
