"""The board report of one branch (or the nation) and quarter: a page, a PDF and a workbook, from frozen rows only."""

from reporting.board_report.printed import PrintedCheck, PrintedSentence
from reporting.board_report.render import Files, render_report

__all__ = ["Files", "PrintedCheck", "PrintedSentence", "render_report"]
