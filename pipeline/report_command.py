"""`python -m pipeline report`, with the articles that printed figures of a meeting beside the report of its quarter."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from pipeline.report import LANGUAGES, write_reports
from reporting.board_report import PrintedCheck, PrintedSentence
from reporting.quarter import QuarterError
from samples import Profile, load_profile
from warehouse.connect import open_warehouse

ARTICLES = Path(__file__).with_name("articles")


def run(options: argparse.Namespace, progress: Callable[[str], None]) -> int:
    """Run `python -m pipeline report`: 0 written, 1 refused."""
    languages = [options.lang] if options.lang else LANGUAGES
    try:
        paths = write_reports(
            open_warehouse(),
            options.quarter,
            options.branch,
            options.out,
            printed=read_article(options.quarter, options.branch),
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
