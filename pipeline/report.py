"""The board reports of a published quarter as files: where they go and what they are called."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from reporting.board_report import PrintedSentence, render_report
from reporting.board_report.edition import find_edition
from reporting.board_report.numbers import Language
from reporting.quarter import parse_quarter
from warehouse.connect import Warehouse

LANGUAGES: tuple[Language, ...] = ("vi", "en")
ENDINGS = ("html", "pdf", "xlsx")


def write_reports(
    warehouse: Warehouse,
    code: str,
    branch: str,
    folder: Path,
    *,
    printed: Sequence[PrintedSentence] = (),
    languages: Iterable[Language] = LANGUAGES,
    version: int | None = None,
    progress: Callable[[str], None] = print,
) -> list[Path]:
    """Write the report of a published quarter and return its files, with what a meeting `printed` beside its figures.

    Raises QuarterError where nothing is published.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with warehouse.connect("quarter_keeper") as connection:
        edition = find_edition(connection, parse_quarter(code), version)
        for language in languages:
            started = time.monotonic()
            files = render_report(connection, edition, branch, language, printed)
            name = file_name(code, branch, edition.version, language)
            for ending in ENDINGS:
                path = folder / f"{name}.{ending}"
                path.write_bytes(getattr(files, ending))
                paths.append(path)
            progress(f"{name}: {time.monotonic() - started:.1f} seconds")
    return paths


def reports_folder(warehouse: Warehouse, code: str) -> Path:
    """Return where the reports of a quarter go when nobody says otherwise."""
    return warehouse.settings.home / "reports" / code


def file_name(code: str, branch: str, version: int, language: Language) -> str:
    """Return the name of a report's files without their ending; `branch` is `*` for the nation."""
    return f"{code}-{'nation' if branch == '*' else branch}-v{version}-{language}"
