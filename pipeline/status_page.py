"""The board as pages for a browser: `<home>/status/index.html`, one page a branch, and the runbooks. Self-contained.

Nothing is loaded from anywhere and nothing runs in the page; personal values are masked in the findings on record. A page
is written whole or not at all, so that a browser may look while a night rebuilds it.
"""

from __future__ import annotations

import datetime as dt
import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt

from pipeline.board import read_board, read_findings
from pipeline.board_model import WORDS, Board, Branch, Cell
from pipeline.deadline import ZONE
from warehouse.connect import Warehouse
from warehouse.settings import PROJECT

FOLDER = Path(__file__).parent / "pages"
RUNBOOKS = PROJECT / "docs" / "runbooks"
SIGNS = {
    "published": "✓", "published_with_warnings": "!", "provisional": "~", "held": "H", "refused": "✕", "waiting": "…",
    "missing": "?", "paused": "‖", "expected": "○", "covered": "·", "none": "",
}  # fmt: skip
"""A sign beside each colour: nobody need tell colours apart."""
ADVICE = {
    "held": ("The branch sends its next revision. What to mend stands in its feedback.", "held-delivery"),
    "refused": ("The branch sends it again, rightly named and whole. Nothing of it was loaded.", "held-delivery"),
    "missing": ("Ask the branch. When it comes it is taken in by itself.", "late-branch"),
    "waiting": ("Files are still on their way, or the descriptor is not written. Ask the branch.", "late-branch"),
    "paused": ("Taken in again once it is resumed.", "pause-a-branch"),
    "published_with_warnings": ("Readers see it. The branch has the warnings in its feedback.", "held-delivery"),
    "provisional": (
        "Readers see it, marked. Its roll-forward is checked when the date before it comes.",
        "late-branch",
    ),
}
OURS = ("Ours, not the branch's: a check could not run. Mend the cause; the next night tries again.", "held-delivery")


def refresh_status_page(warehouse: Warehouse, now: dt.datetime | None = None) -> Path:
    """Write all pages anew and return the first one. Two at once do no harm: each file is replaced whole."""
    board = read_board(warehouse, now)
    read_findings(warehouse, (cell for branch in board.branches for cell in branch.cells.values()))
    out = warehouse.settings.home / "status"
    for folder in (out / "branches", out / "runbooks"):
        folder.mkdir(parents=True, exist_ok=True)
    feedback = functools.partial(_feedback, warehouse, out / "branches")
    for name, page in render_pages(board, warehouse.settings.home, feedback).items():
        _replace(out / name, page)
    return out / "index.html"


def render_pages(board: Board, home: Path, feedback: Callable[[Cell], str | None]) -> dict[str, str]:
    """Return every page by its path; `feedback` gives the way to a delivery's feedback where there is one."""
    render = functools.partial(_render, board=board, home=home)
    pages = {"index.html": render("index.html.j2", up="")}
    for branch in board.branches:
        page = render("branch.html.j2", up="../", branch=branch, feedback=feedback)
        pages[f"branches/{branch.code}.html"] = page
    titles = {}
    for path in sorted(RUNBOOKS.glob("*.md")):
        source = path.read_text(encoding="utf-8")
        titles[path.stem] = source.splitlines()[0].removeprefix("# Runbook: ")
        text = MarkdownIt("commonmark").enable("table").render(source).replace('.md"', '.html"')
        pages[f"runbooks/{path.stem}.html"] = render("runbook.html.j2", up="../", name=path.stem, text=text)
    pages["runbooks/index.html"] = render("runbooks.html.j2", up="../", titles=titles)
    return pages


def try_to_refresh(warehouse: Warehouse, say: Callable[[str], None]) -> None:
    """The same after a night or a build, whose outcome does not depend on a page: what goes wrong is said."""
    try:
        refresh_status_page(warehouse)
    except Exception as error:
        say(f"the status page could not be written: {type(error).__name__}: {error}")


def _render(template: str, *, board: Board, home: Path, up: str, **variables: Any) -> str:
    docs = [
        (name, f"{up}../{path}" if (home / path).exists() else None, command)
        for name, path, command in (
            ("Data Docs", "data_docs/index.html", "written with the next validation"),
            ("dbt docs", "dbt_docs/static_index.html", "python -m pipeline docs"),
        )
    ]
    return _environment().get_template(template).render(board=board, up=up, docs=docs, **variables)


def _feedback(warehouse: Warehouse, page: Path, cell: Cell) -> str | None:
    """The way from a page to the feedback that the branch got, None where there is none."""
    folder = warehouse.settings.outbox / cell.branch_code / cell.business_date.isoformat() / f"r{cell.revision or 0}"
    path = folder / "feedback.html"
    return os.path.relpath(path, page) if path.exists() else None


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(SIGNS=SIGNS, WORDS=WORDS, style=(FOLDER / "status.css").read_text(encoding="utf-8"))
    environment.filters.update(
        date=_date, moment=_moment, count=_count, took=took, advice=_advice, hint=_hint, newest_first=_newest_first
    )
    return environment


def _advice(cell: Cell) -> tuple[str, str] | None:
    return OURS if cell.could_not_run else ADVICE.get(cell.state)


def _hint(cell: Cell, branch: Branch) -> str:
    """What a place says when one points at it, or hears it read."""
    parts = [branch.name, _date(cell.business_date), cell.words]
    if cell.revision:
        parts.append(f"revision {cell.revision}")
    if cell.late:
        parts.append(f"{took(cell.late.total_seconds())} late")
    return ", ".join(parts)


def _newest_first(branch: Branch) -> list[Cell]:
    return [branch.cells[date] for date in sorted(branch.cells, reverse=True)]


def _date(date: dt.date) -> str:
    return f"{date:%d.%m.%Y}"


def _moment(moment: dt.datetime | None) -> str:
    return f"{moment.astimezone(ZONE):%d.%m.%Y %H:%M}" if moment else "–"


def _count(number: int | None) -> str:
    return "–" if number is None else f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def took(seconds: float | None) -> str:
    """Say a duration with the two units that matter."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if minutes < 60:
        return f"{minutes} min {int(seconds % 60):02} s"
    return f"{hours} h {minutes % 60:02} min" if hours < 48 else f"{days} days"


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
