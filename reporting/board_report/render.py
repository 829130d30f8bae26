"""Write a report as HTML page, PDF and XLSX; the same frozen rows give the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reporting.board_report.compose import compose_report
from reporting.board_report.edition import Edition
from reporting.board_report.numbers import Language
from reporting.board_report.page import write_page
from reporting.board_report.paper import write_paper
from reporting.board_report.printed import PrintedSentence
from reporting.board_report.workbook import write_workbook
from warehouse.connect import Connection


@dataclass(frozen=True)
class Files:
    """One report in one language, as bytes by ending."""

    html: bytes
    pdf: bytes
    xlsx: bytes


def render_report(
    connection: Connection, edition: Edition, branch: str, language: Language, printed: Sequence[PrintedSentence] = ()
) -> Files:
    """Render the report of `branch` ("*": the nation). Raises QuarterError when nothing is frozen of it."""
    report = compose_report(connection, edition, branch, language, printed)
    return Files(write_page(report), write_paper(report), write_workbook(report))
