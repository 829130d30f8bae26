"""The board for a terminal: the night in a sentence, what to do, then branches by dates in one sign each."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.board_model import WORDS, Board, Cell
from pipeline.deadline import ZONE

SIGNS = {
    "published": "+", "published_with_warnings": "!", "provisional": "~", "held": "H", "refused": "X", "waiting": "…",
    "missing": "?", "paused": "=", "expected": "o", "covered": ".",
}  # fmt: skip
TITLES = {"good": "The night was good", "remarks": "The night was good, with remarks", "bad": "The night was NOT good"}
ADVICE = {
    "held": "docs/runbooks/held-delivery.md", "refused": "docs/runbooks/held-delivery.md",
    "missing": "docs/runbooks/late-branch.md", "waiting": "docs/runbooks/late-branch.md",
}  # fmt: skip
OTHER = 10
"""Open places of other dates that are spelled out."""


def board_lines(board: Board) -> Iterator[str]:
    """Yield the lines of a board on which anything stands."""
    yield f"{TITLES[board.verdict]}: {f'business date {board.night}, ' if board.night else ''}{board.headline}."
    if board.last_night:
        yield f"Last night ended {board.last_night.astimezone(ZONE):%Y-%m-%d %H:%M}."
    for killed in board.killed:
        since = f"; one has ended at {killed.made_up_at.astimezone(ZONE):%H:%M}" if killed.made_up_at else ""
        yield f"Killed: {killed}{since} (docs/runbooks/rerun-a-night.md)."
    if board.dates_without_word:
        yield f"{board.dates_without_word} later dates are past their deadline, and nothing came for them."
    if not board.is_built:
        yield "The marts have not followed the ledger yet (docs/runbooks/rerun-a-night.md)."
    for branch in board.branches:
        if branch.paused:
            yield f"{branch.name} is {branch.paused} (docs/runbooks/pause-a-branch.md)."
    names = {branch.code: branch.name for branch in board.branches}
    open_places = [*board.problems, *board.other_problems[:OTHER]]
    if open_places or board.strangers:
        yield "\nWhat to do"
    for path, message in board.strangers:
        yield f"  {path}: refused. {message} ({ADVICE['refused']})"
    for cell in open_places:
        advice = f" ({ADVICE[cell.state]})" if cell.state in ADVICE else ""
        yield f"  {names[cell.branch_code]}, {cell.business_date}: {cell.words}. {cell.could_not_run or cell.reason}{advice}"
    if board.dates:
        yield ""
        yield from _grid(board)


def _grid(board: Board) -> Iterator[str]:
    """Oldest date first, as one reads a line."""
    dates = board.dates[::-1]
    width = max((len(branch.name) for branch in board.branches), default=0)
    yield " " * width + "  " + " ".join(f"{date:%d}" for date in dates) + f"   {dates[0]} to {dates[-1]}"
    for branch in board.branches:
        yield f"{branch.name:<{width}}  " + " ".join(_sign(branch.cells.get(date)) for date in dates)
    used = {cell.state for branch in board.branches for cell in branch.cells.values()}
    yield "  ".join(f"{sign} {WORDS[state]}" for state, sign in SIGNS.items() if state in used) + "  ' late"


def _sign(cell: Cell | None) -> str:
    return "  " if cell is None else SIGNS[cell.state] + ("'" if cell.late else " ")
