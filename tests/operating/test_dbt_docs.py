"""dbt's documentation, one click from the status page."""

from __future__ import annotations

from pipeline.dbt_docs import write_dbt_docs
from pipeline.status_page import refresh_status_page
from tests.operating.conftest import MORNING
from warehouse.connect import Warehouse


def test_the_page_describes_the_marts_and_is_linked(morning: Warehouse) -> None:
    before = refresh_status_page(morning, MORNING).read_text(encoding="utf-8")
    assert "dbt docs: python -m pipeline docs" in before
    page = write_dbt_docs(morning)
    text = page.read_text(encoding="utf-8")
    assert "mart_delivery_status" in text
    assert "password" not in text.lower().split("<script")[0]
    written = page.stat().st_mtime_ns
    assert write_dbt_docs(morning).stat().st_mtime_ns == written
    after = refresh_status_page(morning, MORNING).read_text(encoding="utf-8")
    assert 'href="../dbt_docs/static_index.html"' in after
