"""Great Expectations' Data Docs as a local site, brought up to date after validations."""

from __future__ import annotations

from pathlib import Path

from warehouse.connect import Warehouse


def refresh_data_docs(warehouse: Warehouse) -> Path:
    """Write the pages of the newest validations that the site lacks and return its first page. One process at a time."""
    from expectations import build_data_docs, stored_results  # noqa: PLC0415 - Great Expectations takes seconds to import

    home = warehouse.settings.home
    with warehouse.connect("loader", autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(hashtext('data docs'))")
        return build_data_docs(stored_results(home / "validations"), home / "data_docs")
