"""The board report as a command: which articles stand beside which report, and where the files go."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from reporting.board_report import PrintedCheck, PrintedSentence, render_report
from reporting.board_report.edition import find_edition
from reporting.board_report.numbers import Language
from reporting.quarter import QuarterError, parse_quarter
from samples import Profile, load_profile
from warehouse.connect import Warehouse, open_warehouse

ARTICLES = Path(__file__).with_name("articles")
LANGUAGES: tuple[Language, ...] = ("vi", "en")
ENDINGS = ("html", "pdf", "xlsx")


def write_reports(
    warehouse: Warehouse,
    code: str,
    branch: str,
    folder: Path,
    *,
    languages: Iterable[Language] = LANGUAGES,
    version: int | None = None,
    progress: Callable[[str], None] = print,
) -> list[Path]:
    """Write the report of a published quarter and return its files. Raises QuarterError where nothing is published."""
    folder.mkdir(parents=True, exist_ok=True)
    printed, paths = read_article(code, branch), []
    with warehouse.connect("quarter_keeper") as connection:
        edition = find_edition(connection, parse_quarter(code), version)
        for language in languages:
            started = time.monotonic()
            files = render_report(connection, edition, branch, language, printed)
            name = f"{code}-{'nation' if branch == '*' else branch}-v{edition.version}-{language}"
            for ending in ENDINGS:
                path = folder / f"{name}.{ending}"
                path.write_bytes(getattr(files, ending))
                paths.append(path)
            progress(f"{name}: {time.monotonic() - started:.1f} seconds")
    return paths


def run(options: argparse.Namespace, progress: Callable[[str], None]) -> int:
    """Run `python -m pipeline report`: 0 written, 1 refused."""
    languages = [options.lang] if options.lang else LANGUAGES
    try:
        paths = write_reports(
            open_warehouse(),
            options.quarter,
            options.branch,
            options.out,
            languages=languages,
            version=options.version,
            progress=progress,
        )
    except QuarterError as refused:
        print(f"Refused: {refused}")
        return 1
    for path in paths:
        print(f"{path}  {path.stat().st_size / 1000:,.0f} kB")
    return 0


def read_article(code: str, branch: str) -> list[PrintedSentence]:
    """Return the sentences that an article printed of a meeting and that carry a figure; none where no article is known."""
    path = ARTICLES / f"{code}-{branch}.yaml"
    if not path.exists():
        return []
    article = yaml.safe_load(path.read_text(encoding="utf-8"))
    profile = load_profile(article["profile"])
    return [
        PrintedSentence(
            {"vi": entry["vi"], "en": entry["en"]},
            tuple(_check(profile, check) for check in entry["figures"]),
            {"vi": entry.get("remark", ["", ""])[0], "en": entry.get("remark", ["", ""])[1]},
        )
        for entry in article["sentences"]
    ]


def _check(profile: Profile, check: str | dict[str, Any]) -> PrintedCheck:
    """A name alone takes its printed value from the profile, if that has it; a mapping gives its own range."""
    if isinstance(check, dict):
        low, high = (Decimal(str(end)) for end in check["range"])
        return PrintedCheck(check["name"], low, high)
    figure = profile.figures.get(check)
    if figure is None:
        return PrintedCheck(check)
    return PrintedCheck(
        check, *figure.bounds, is_open_above=figure.word == "over", is_open_below=figure.word == "nearly"
    )
