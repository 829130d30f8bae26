"""`python -m pipeline check`: which of the two checks is meant, and what came of it."""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path
from typing import NoReturn

from contract.errors import ContractError
from contract.model import load_contract
from pipeline.check import check_delivery, find_folder
from pipeline.check_file import FORMS, check_file, find_form
from pipeline.intake import Progress
from pipeline.outcomes import Outcome


class WrongUsageError(Exception):
    """The arguments do not make sense together."""


def check(options: argparse.Namespace, progress: Progress) -> Outcome:
    """Run the check that the arguments name. Raises WrongUsageError."""
    # Ended from outside, the throw-away server has to go too.
    signal.signal(signal.SIGTERM, _end)
    return _check_file(options) if options.contract else _check_delivery(options, progress)


def _end(*_: object) -> NoReturn:
    raise SystemExit(128 + signal.SIGTERM)


def _check_delivery(options: argparse.Namespace, progress: Progress) -> Outcome:
    for name in ("dialect", "encoding", "out"):
        if getattr(options, name) is not None:
            raise WrongUsageError(f"--{name} goes with --contract, for a single file")
    if "://" not in options.path and not Path(options.path).is_dir():
        raise WrongUsageError(f"{options.path} is not a folder (of a single file, name the --contract too)")
    try:
        find_folder(options.path)
    except ValueError as error:
        raise WrongUsageError(str(error)) from error
    return check_delivery(options.path, progress)


def _check_file(options: argparse.Namespace) -> Outcome:
    path = Path(options.path)
    form = find_form(path.name)
    if form is None:
        raise WrongUsageError(f"{path.name} ends in none of {', '.join(FORMS)}")
    if form[0] != "csv" and (options.dialect is not None or options.encoding is not None):
        raise WrongUsageError("--dialect and --encoding are for CSV")
    if not path.is_file():
        raise WrongUsageError(f"{path} is not a file")
    target = None if options.out is None else _find_target(options.out)
    try:
        dataset = load_contract(options.contract)
    except (ContractError, OSError) as error:
        raise WrongUsageError(str(error)) from error
    reading = check_file(path, dataset, encoding=options.encoding or "utf-8", dialect=options.dialect, out=target)
    findings = reading.findings.to_pylist()
    verdict = "held" if not reading.is_good else "published_with_warnings" if findings else "published"
    reason = f"{reading.row_count} row(s) of {dataset.name} " + ("read exactly." if reading.is_good else "in the file.")
    return Outcome(path.name, "", None, verdict, reason, findings)


def _find_target(out: Path) -> Path:
    """Return the file that `out` leads to, links followed. Raises WrongUsageError unless it is a regular one or absent."""
    target = Path(os.path.realpath(out))
    if (out.exists() or os.path.lexists(target)) and not out.is_file():
        raise WrongUsageError(
            f"{out} is there and is no regular file: name a file in --out, a new one or one to replace"
        )
    if not target.parent.is_dir():
        raise WrongUsageError(f"the folder of {out} does not exist")
    return target
