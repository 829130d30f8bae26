"""Words as an article printed them, to stand beside what the report computes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from reporting.board_report.model import Figure
from reporting.board_report.numbers import Language


@dataclass(frozen=True)
class PrintedCheck:
    """A figure of a sentence and the range that its word allows, in đồng, percent or pieces.

    `low` and `high` are None where the article gives no number of its own. `is_open_above`, `is_open_below`: the end itself
    is not in the range.
    """

    figure: str
    low: Decimal | None = None
    high: Decimal | None = None
    is_open_above: bool = False
    is_open_below: bool = False

    def agrees(self, figure: Figure) -> bool | None:
        """True when the computed figure lies in the range; None where there is nothing to compare."""
        if self.low is None or self.high is None or not isinstance(figure.value, int | Decimal):
            return None
        above = figure.value < self.high if self.is_open_above else figure.value <= self.high
        below = figure.value > self.low if self.is_open_below else figure.value >= self.low
        return above and below


@dataclass(frozen=True)
class PrintedSentence:
    """One sentence of an article that carries a figure, in both languages, with a remark where the two differ."""

    text: dict[Language, str]
    checks: tuple[PrintedCheck, ...]
    remark: dict[Language, str]
