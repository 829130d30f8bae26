"""A warehouse in which the quarters of both board meetings are published, and their reports."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.report_command import read_article
from reporting.board_report import Files, render_report
from reporting.board_report.edition import find_edition
from reporting.quarter import parse_quarter
from reporting.quarter_decide import approve_draft, publish_version
from reporting.quarter_freeze import freeze_quarter
from tests.reporting.board_report.board_marts import CA_MAU, MEETINGS, NINH_THUAN, fill_marts
from tests.support.warehouses import new_warehouse, remove_warehouse
from warehouse.connect import Connection, Warehouse


@pytest.fixture(scope="package")
def published(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A warehouse in which the quarters of both meetings are published."""
    own = new_warehouse(warehouse, tmp_path_factory.mktemp("report-warehouse"))
    fill_marts(own, NINH_THUAN, CA_MAU)
    for code in MEETINGS:
        freeze_quarter(own, parse_quarter(code), None)
        approve_draft(own, parse_quarter(code), by="minh")
        publish_version(own, parse_quarter(code), by="minh")
    yield own
    remove_warehouse(own)


@pytest.fixture(scope="module")
def connection(published: Warehouse) -> Iterator[Connection]:
    """A connection that a test of another package, which restarts the server, cannot cut."""
    with published.connect("quarter_keeper") as opened:
        yield opened


@pytest.fixture(scope="package")
def reports(published: Warehouse) -> dict[str, Files]:
    """Both meetings' reports in Vietnamese."""
    with published.connect("quarter_keeper") as opened:
        return {
            code: render_report(
                opened, find_edition(opened, parse_quarter(code)), branch, "vi", read_article(code, branch)
            )
            for code, branch in MEETINGS.items()
        }
