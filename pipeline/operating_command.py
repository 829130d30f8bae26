"""The commands that operate the warehouse, as `python -m pipeline` runs them."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Callable

from warehouse.connect import open_warehouse

GOOD, BAD, USAGE = 0, 1, 64
NEWEST = 120
"""Deliveries that `status` lists: two nights and more of the nation, so that the board is not scrolled away."""
Say = Callable[[str], None]


def run(options: argparse.Namespace, say: Say) -> int:
    """Run one command and return its exit code."""
    command: Callable[[argparse.Namespace, Say], int] = globals()[f"_{options.command}"]
    return command(options, say)


def _status(options: argparse.Namespace, say: Say) -> int:
    from pipeline.board import read_board  # noqa: PLC0415
    from pipeline.board_text import board_lines  # noqa: PLC0415
    from pipeline.status import is_open, read_status  # noqa: PLC0415
    from pipeline.status_page import try_to_refresh  # noqa: PLC0415

    warehouse = open_warehouse()
    outcomes = read_status(warehouse)
    if options.json:
        print(json.dumps([outcome.as_json() for outcome in outcomes], ensure_ascii=False))
    elif not outcomes:
        print("No delivery is on record. `make run` takes in the two sample provinces.")
    else:
        for line in board_lines(read_board(warehouse)):
            print(line)
        shown = outcomes if options.all else outcomes[-NEWEST:]
        print(
            "\nEvery delivery on record"
            if shown == outcomes
            else f"\nThe newest {NEWEST} of {len(outcomes)} deliveries (--all)"
        )
        for outcome in shown:
            print(outcome.line)
        try_to_refresh(warehouse, say)
        say(f"the same in a browser: {(warehouse.settings.home / 'status' / 'index.html').as_uri()}")
    return BAD if is_open(outcomes) else GOOD


def _watch(options: argparse.Namespace, say: Say) -> int:
    from pipeline import watch  # noqa: PLC0415

    found = watch.watch()
    print(found.text, file=sys.stderr if found.alarms else sys.stdout)
    if options.tell:
        for receiver in watch.tell(found):
            say(f"told {receiver}")
    return BAD if found.alarms else GOOD


def _pause(options: argparse.Namespace, _: Say) -> int:
    from pipeline.pause import pause_branch  # noqa: PLC0415

    print(pause_branch(open_warehouse(), options.branch, _who(options), options.reason))
    return GOOD


def _resume(options: argparse.Namespace, _: Say) -> int:
    from pipeline.pause import resume_branch  # noqa: PLC0415

    print(resume_branch(open_warehouse(), options.branch, _who(options)))
    return GOOD


def _rework(options: argparse.Namespace, say: Say) -> int:
    from pipeline.build import build  # noqa: PLC0415
    from pipeline.night import Night  # noqa: PLC0415
    from pipeline.rework import ask_for_marts, find_rework, rework_branch  # noqa: PLC0415
    from pipeline.status_page import try_to_refresh  # noqa: PLC0415

    warehouse = open_warehouse()
    night = Night()
    for code in find_rework(warehouse, options.first, options.last, options.branch):
        with night.going_on_after(code, say):
            night.outcomes += rework_branch(warehouse, code, options.first, options.last, say)
    units = ask_for_marts(warehouse, options.first, options.last, options.branch)
    build(warehouse, progress=say)
    try_to_refresh(warehouse, say)
    for outcome in night.outcomes:
        print(outcome.line)
    print(f"{len(night.outcomes)} verdicts turned; {units} units of the marts that were there were made anew.")
    night.require_every_branch()
    return BAD if night.is_bad else GOOD


def _erase(options: argparse.Namespace, say: Say) -> int:
    from pipeline import erasure  # noqa: PLC0415

    if bool(options.customer_id) == options.again or (options.customer_id and not options.reason):
        print("python -m pipeline erase: give a customer id and --reason, or --again", file=sys.stderr)
        return USAGE
    warehouse = open_warehouse()
    if options.again:
        print(f"{erasure.erase_again(warehouse, say)} stored files were written again.")
        return GOOD
    proof = erasure.erase(warehouse, options.customer_id, _who(options), options.reason, say)
    print(proof.text)
    return GOOD if proof.holds else BAD


def _docs(_: argparse.Namespace, say: Say) -> int:
    from pipeline.dbt_docs import write_dbt_docs  # noqa: PLC0415

    print(write_dbt_docs(open_warehouse(), say).as_uri())
    return GOOD


def _housekeeping(_: argparse.Namespace, say: Say) -> int:
    from ingestion.retire import retire_rows  # noqa: PLC0415

    retired = retire_rows(open_warehouse(), say)
    print(f"Dropped all rows of {retired.whole} deliveries and the daily states of {retired.states}.")
    return GOOD


def _who(options: argparse.Namespace) -> str:
    return options.by or getpass.getuser()
