"""dbt's documentation of the marts as one page: `<home>/dbt_docs/static_index.html`, one click from the status page."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.transform import Progress, definition_version, run_dbt
from warehouse.connect import Warehouse

PAGE = "static_index.html"


def write_dbt_docs(warehouse: Warehouse, progress: Progress | None = None) -> Path:
    """Write the page where the models have changed since it was written, and return it. Takes some ten seconds."""
    page = warehouse.settings.home / "dbt_docs" / PAGE
    note = page.with_name("version")
    if page.exists() and note.exists() and note.read_text() == definition_version():
        return page
    if progress:
        progress("dbt docs ...")
    # The catalogue would ask the database for the size of every table; the page is about what the columns mean.
    run_dbt(warehouse, ["docs", "generate", "--static", "--empty-catalog"])
    target = warehouse.settings.home / "dbt" / urlsplit(warehouse.admin_url).path.strip("/") / "target"
    page.parent.mkdir(parents=True, exist_ok=True)
    part = page.with_name(f".{PAGE}.{os.getpid()}")
    part.write_bytes((target / PAGE).read_bytes())
    part.replace(page)
    note.write_text(definition_version())
    return page
