"""The arguments of `python -m pipeline quarter`; imports nothing heavy."""

from __future__ import annotations

import argparse
from typing import Any

from reporting.quarter import Quarter, QuarterError, parse_quarter

STEPS = {
    "freeze": "copy the marts into a draft and check it",
    "approve": "approve a draft by its checksum; not by the person who froze it",
    "reject": "reject a draft, or withdraw an approval before publishing",
    "publish": "show the approved version to BI roles",
    "verify": "derive a version again from the stored bytes and compare byte for byte",
    "list": "show every version and its state",
    "restatement": "show what the warehouse says now of a published version, by cause",
}
BY_A_PERSON = ("freeze", "approve", "reject", "publish")
OF_A_VERSION = ("approve", "reject", "publish", "verify", "restatement")
AS_JSON = ("list", "restatement")
EXIT_CODES = (
    "exit codes: 0 good (verify: equal), 1 refused, a check failed or different, 3 verify: the recorded code version is not "
    "the one installed, 64 wrong usage, 70 internal error"
)


def add_quarter(commands: Any, parser_class: type[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the command `quarter` with its steps and return its parser."""
    about = "close a quarter: freeze, approve, reject, publish, verify, list, restatement"
    quarter: argparse.ArgumentParser = commands.add_parser("quarter", help=about, epilog=EXIT_CODES)
    steps = quarter.add_subparsers(dest="step", required=True, metavar="STEP", parser_class=parser_class)
    for name, sentence in STEPS.items():
        step = steps.add_parser(
            name, help=sentence, description=f"{sentence[0].upper()}{sentence[1:]}.", epilog=EXIT_CODES
        )
        step.add_argument("quarter", type=_quarter, nargs="?" if name == "list" else None, help="such as 2025Q3")
        if name in BY_A_PERSON:
            step.add_argument("--by", metavar="NAME", help="who does it (default: the user who is logged in)")
        if name in OF_A_VERSION:
            step.add_argument("--version", type=int, metavar="N", help="this version (default: the newest that fits)")
        if name in ("approve", "reject"):
            step.add_argument("--reason", required=name == "reject", default="", help="why, in words; kept in the log")
        if name in AS_JSON:
            step.add_argument("--json", action="store_true", help="print one JSON array on standard output")
    return quarter


def _quarter(text: str) -> Quarter:
    try:
        return parse_quarter(text)
    except QuarterError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
