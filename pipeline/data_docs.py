"""Great Expectations' Data Docs as a local site, brought up to date after validations."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from warehouse.connect import Warehouse


def refresh_data_docs(warehouse: Warehouse, since: dt.datetime) -> Path | None:
    """Write the pages that the site lacks, where anything was validated `since` then, and return its first page.

    Once a night and not once a branch: the index names the newest deliveries of all. One process at a time.
    """
    from expectations import build_data_docs, stored_results  # noqa: PLC0415 - pyarrow takes a moment to import

    home = warehouse.settings.home
    with warehouse.connect("loader", autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(hashtext('data docs'))")
        judged = connection.execute("select from meta.intakes where evaluated_at >= %s limit 1", [since]).fetchone()
        return build_data_docs(stored_results(home / "validations"), home / "data_docs") if judged is not None else None
