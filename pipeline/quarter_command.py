"""`python -m pipeline quarter`: the close of a quarter without Airflow, with the same steps and the same log."""

from __future__ import annotations

import argparse
import dataclasses
import getpass
import json
from collections.abc import Callable
from typing import Any

from pipeline import quarter as steps
from pipeline.intake import Progress
from reporting.quarter import BANK_TIME, Quarter, QuarterError
from reporting.quarter_checks import Violation
from reporting.quarter_decide import approve_draft, check_draft, publish_version, reject_draft
from reporting.quarter_log import PUBLIC, Version, read_inputs, read_versions, require_version
from reporting.quarter_restate import read_restatement
from reporting.quarter_tables import parse_contents
from warehouse.connect import Warehouse, open_warehouse

GOOD, BAD = 0, 1
SHOWN = 40
"""Lines of a restatement that a person is shown; all of them are in quarters.restatement."""


def run(options: argparse.Namespace, progress: Progress) -> int:
    """Run one step of the close and return its exit code; what is refused is said in one sentence."""
    try:
        return STEPS[options.step](open_warehouse(), options.quarter, options, progress)
    except QuarterError as refused:
        print(f"Refused: {refused}")
        return BAD


def _freeze(warehouse: Warehouse, quarter: Quarter, options: argparse.Namespace, progress: Progress) -> int:
    frozen = steps.freeze(warehouse, quarter, _person(options), progress)
    version = frozen.version
    if frozen.is_unchanged:
        print(
            f"Unchanged: {version.name} ({version.status}) has this content already, checksum {version.content_sha256}"
        )
        return GOOD
    print(f"Frozen: {version.name}, checksum {version.content_sha256}\n{version.reason}")
    with warehouse.connect("quarter_keeper") as connection:
        for name, content in parse_contents(read_inputs(connection, version)).items():
            print(f"  {name:<20} {content.rows:>9,} rows  {content.sha256[:16]}")
    checked = check_draft(warehouse, quarter, version.version)
    for change in checked.changes:
        print(f"  {change}")
    return _say_violations(checked.version, checked.violations)


def _say_violations(version: Version, violations: list[Violation]) -> int:
    for violation in violations:
        print(f"BROKEN {violation}")
    if violations:
        print(f"{version.name} is rejected by its checks.")
        return BAD
    print(
        f"Every equation holds. Next: another person runs `python -m pipeline quarter approve {version.quarter.code}`."
    )
    return GOOD


def _approve(warehouse: Warehouse, quarter: Quarter, options: argparse.Namespace, _: Progress) -> int:
    return _say(approve_draft(warehouse, quarter, by=_person(options), reason=options.reason, version=options.version))


def _reject(warehouse: Warehouse, quarter: Quarter, options: argparse.Namespace, _: Progress) -> int:
    return _say(reject_draft(warehouse, quarter, by=_person(options), reason=options.reason, version=options.version))


def _publish(warehouse: Warehouse, quarter: Quarter, options: argparse.Namespace, _: Progress) -> int:
    return _say(publish_version(warehouse, quarter, by=_person(options), version=options.version))


def _say(version: Version) -> int:
    print(f"{version.name} is {version.status} by {version.by}, checksum {version.content_sha256}")
    return GOOD


def _verify(warehouse: Warehouse, quarter: Quarter, options: argparse.Namespace, progress: Progress) -> int:
    found = steps.verify(warehouse, quarter, options.version, progress)
    print("\n".join(found.lines))
    print(VERDICTS[found.exit_code])
    return found.exit_code


def _list(warehouse: Warehouse, quarter: Quarter | None, options: argparse.Namespace, _: Progress) -> int:
    with warehouse.connect("quarter_keeper") as connection:
        versions = read_versions(connection, quarter)
    if options.json:
        print(json.dumps([_as_json(version) for version in versions], ensure_ascii=False))
        return GOOD
    for version in versions:
        at = version.at.astimezone(BANK_TIME).strftime("%Y-%m-%d %H:%M")
        print(
            f"{version.name:<18} {version.status:<10} {at}  {version.by:<12} {version.content_sha256[:16]}  {version.reason}"
        )
    if not versions:
        print("No quarter is frozen.")
    return GOOD


def _restatement(warehouse: Warehouse, quarter: Quarter, options: argparse.Namespace, _: Progress) -> int:
    with warehouse.connect("quarter_keeper") as connection:
        version = require_version(connection, quarter, *PUBLIC, version=options.version)
        found = read_restatement(connection, version)
    if options.json:
        print(json.dumps([dataclasses.asdict(line) for line in found], ensure_ascii=False, default=str))
        return GOOD
    for line in found[:SHOWN]:
        print(line)
    if len(found) > SHOWN:
        print(f"... and {len(found) - SHOWN} more; every figure is in quarters.restatement.")
    if not found:
        print(f"The warehouse says what {version.name} says.")
    return GOOD


def _as_json(version: Version) -> dict[str, Any]:
    return {**dataclasses.asdict(version), "quarter": version.quarter.code, "at": version.at.isoformat()}


def _person(options: argparse.Namespace) -> str:
    name: str = options.by or getpass.getuser()
    return name


Step = Callable[[Warehouse, Any, argparse.Namespace, Progress], int]
STEPS: dict[str, Step] = {
    "freeze": _freeze,
    "approve": _approve,
    "reject": _reject,
    "publish": _publish,
    "verify": _verify,
    "list": _list,
    "restatement": _restatement,
}
VERDICTS = {
    steps.EQUAL: "EQUAL: every table is the same byte for byte.",
    steps.DIFFERENT: "DIFFERENT",
    steps.OTHER_CODE: "NOT COMPARABLE: the recorded code version is not the one installed.",
}
