"""The arguments of the commands that operate the warehouse; imports nothing heavy."""

from __future__ import annotations

import argparse
import datetime as dt
from typing import Any

COMMANDS = {
    "status": "show whether the last night was good, why not, and what to do; then every delivery",
    "watch": "say when no night has ended since the deadline; for cron or systemd, needs no Airflow",
    "pause": "leave a branch's deliveries in the landing until it is resumed",
    "resume": "take a paused branch in again",
    "rework": "judge again what is held in a range of dates and make its marts anew",
    "erase": "erase a person's personal values everywhere, now and in every later load (law 12)",
    "docs": "write the dbt documentation of the marts as one page",
    "housekeeping": "drop rows that need not be kept: superseded, held, daily states after 100 days",
}
EXIT_CODES = {
    "status": "exit codes: 0 nothing is held or refused that no later revision has mended, 1 something is, 70 internal error",
    "watch": "exit codes: 0 a night has ended since the deadline, 1 it has not, or something died",
    "rework": "exit codes: 0 nothing held or refused, 1 something is, 64 wrong usage, 70 internal error",
    "erase": "exit codes: 0 nothing of the person is found any more, 1 something is, 64 wrong usage, 70 internal error",
}


def read_date(text: str) -> dt.date:
    """Return the date of an argument."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no date. Write it as 2025-09-30.") from error


def add_operating(commands: Any) -> list[argparse.ArgumentParser]:
    """Add the commands and return their parsers."""
    added = {
        name: commands.add_parser(name, help=about, epilog=EXIT_CODES.get(name)) for name, about in COMMANDS.items()
    }
    added["status"].add_argument(
        "--json", action="store_true", help="print one JSON array of verdicts on standard output"
    )
    added["status"].add_argument("--all", action="store_true", help="list every delivery on record, however many")
    added["watch"].add_argument("--tell", action="store_true", help="send alarms to the receivers in WAREHOUSE_DIGEST")
    for name in ("pause", "resume"):
        added[name].add_argument("branch", help="2-digit code")
    added["pause"].add_argument("--reason", required=True, help="why, in words; shown on the board")
    rework = added["rework"]
    rework.add_argument("--from", dest="first", type=read_date, required=True, metavar="YYYY-MM-DD")
    rework.add_argument("--to", dest="last", type=read_date, required=True, metavar="YYYY-MM-DD")
    rework.add_argument("--branch", help="only this branch (2-digit code)")
    erase = added["erase"]
    erase.add_argument("customer_id", nargs="?", help="the customer's id in the bank; it stays in the books")
    erase.add_argument("--reason", help="why: the request's number; never the person's name")
    erase.add_argument("--again", action="store_true", help="erase all on the list again: after a restore, and nightly")
    for name in ("pause", "resume", "erase"):
        added[name].add_argument("--by", metavar="NAME", help="who does it (default: the user who is logged in)")
    return list(added.values())
