"""The feedback file: what a branch is told of a delivery that was not simply published (contract section 6).

`<outbox>/<branch_code>/<business_date>/r<revision>/feedback.csv` for a program, `feedback.html` for a person. A later
verdict on the same delivery replaces them.
"""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from jinja2 import Environment, FileSystemLoader

COLUMNS = ("dataset", "row", "column", "rule", "severity", "value", "message")
VERDICTS_WITH_FEEDBACK = ("published_with_warnings", "provisional", "held", "refused")
SHOWN_ROWS = 1000
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

_templates = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)


def write_feedback(folder: Path, title: str, verdict: str, reason: str, findings: list[dict[str, Any]]) -> None:
    """Write both files into `folder`, whole or not at all. `title` names branch, date and revision."""
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / "feedback.csv", lambda file: _write_csv(file, findings))
    page = _templates.get_template("feedback.html").render(
        title=title, verdict=verdict, reason=reason, findings=findings[:SHOWN_ROWS],
        count=len(findings), shown=min(len(findings), SHOWN_ROWS),
        rules=Counter((finding["severity"], finding["rule"]) for finding in findings).most_common(),
    )  # fmt: skip
    _replace(folder / "feedback.html", lambda file: file.write(page))


def remove_feedback(folder: Path) -> None:
    """Remove the feedback of a delivery that now simply stands."""
    for name in ("feedback.csv", "feedback.html"):
        (folder / name).unlink(missing_ok=True)


def _write_csv(file: TextIO, findings: list[dict[str, Any]]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_harmless(finding.get(column)) for column in COLUMNS] for finding in findings)


def _harmless(value: object) -> object:
    """Keep a spreadsheet from taking a delivered value for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _replace(path: Path, write: Callable[[TextIO], object]) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with part.open("w", encoding="utf-8") as file:
        write(file)
    os.replace(part, path)
