"""The command line of the warehouse: `python -m pipeline --help`."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from contract.errors import WarehouseError, describe_failure
from pipeline.backup_command import add_backup
from pipeline.operating_arguments import add_operating, read_date
from pipeline.quarter_arguments import add_quarter

if TYPE_CHECKING:
    from pipeline.outcomes import Outcome

GOOD, BAD, USAGE, INTERNAL = 0, 1, 64, 70
CHECKED = {"held": 1, "refused": 2, "waiting": 3}

DESCRIPTION = """\
The data warehouse of the Bank for Social Policies: takes in what the branches deliver, proves it right to the đồng,
and builds the marts.

environment:
  WAREHOUSE_HOME     where the embedded warehouse lives (default .warehouse/); another value is another warehouse
  WAREHOUSE_URL      postgresql://... of any other PostgreSQL 16+ to be used instead of the embedded one
  WAREHOUSE_LANDING  where branches deliver (default <home>/landing); any storage address that fsspec reads
  WAREHOUSE_STORE    where delivered bytes are kept (default <home>/store)
  WAREHOUSE_OUTBOX   where branches find their feedback (default <home>/outbox)
  WAREHOUSE_DEADLINE hour after which a date is late, on the day after it (default 08:00)
  WAREHOUSE_DIGEST   who is told after a night: smtp://..., https://... (docs/operating.md; default nobody)
  WAREHOUSE_BACKUPS  where backups are kept (default <home>/backups); WAREHOUSE_BACKUP_KEY: the file with their key

exit codes: 0 nothing held or refused, 1 something was, 64 wrong usage, 70 internal error
"""


class Parser(argparse.ArgumentParser):
    """An argument parser that exits with 64 on wrong usage."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # Everything after `psql` is psql's own; argparse would take its options for ours.
    passed_through = argparse.Namespace(run=_psql, arguments=words[1:])
    options = passed_through if words[:1] == ["psql"] else _parser().parse_args(words)
    try:
        return int(options.run(options))
    except WarehouseError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return INTERNAL
    except KeyboardInterrupt:
        print("Interrupted; nothing half-done is visible. Run the command again to go on.", file=sys.stderr)
        return INTERNAL
    except BrokenPipeError:
        # Nobody reads on, as before `| head`: ended as the shell's own programs are, for 0 would be a verdict.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except OSError as error:
        # A folder that is not there, a right or space that is lacking: for whoever runs the command to mend.
        print(f"{describe_failure(error)}: {error}", file=sys.stderr)
        return INTERNAL
    except Exception:
        traceback.print_exc()
        return INTERNAL


def _parser() -> Parser:
    parser = Parser(
        prog="python -m pipeline", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)

    sample = commands.add_parser("sample", help="write synthetic deliveries that meet a profile of published figures")
    sample.add_argument("--profile", required=True, help="a name such as ninh-thuan-2024q1, or a YAML file")
    sample.add_argument("--out", required=True, type=Path, help="the folder to write into, laid out as a landing")
    sample.add_argument("--seed", type=int, help="another set of synthetic persons and loans")
    sample.set_defaults(run=_sample)

    night = commands.add_parser(
        "night", help="take in every delivery that has something to do, oldest first, then build the marts"
    )
    night.add_argument("--landing", help="look here instead of WAREHOUSE_LANDING")
    night.add_argument("--business-date", type=read_date, help="only deliveries of this date (YYYY-MM-DD)")
    night.add_argument("--branch", help="only this branch (2-digit code)")
    night.add_argument("--json", action="store_true", help="print one JSON array of verdicts on standard output")
    night.set_defaults(run=_night)

    for operating in add_operating(commands):
        operating.set_defaults(run=_operate)

    build = commands.add_parser("build", help="bring the marts up to what is visible")
    build.add_argument("--full", action="store_true", help="build everything again, beside what readers see")
    build.set_defaults(run=_build)

    check = commands.add_parser(
        "check",
        help="judge a delivery before it is sent, or one file against a contract; needs no warehouse",
        description="The same door for a branch before it sends: everything but the rules that need history.",
        epilog="exit codes: 0 good, 1 held, 2 refused, 3 waiting, 64 wrong usage, 70 internal error",
    )
    check.add_argument("path", help="a folder .../<branch_code>/<business_date>/r<revision>, or with --contract a file")
    check.add_argument("--json", action="store_true", help="print one JSON array of verdicts on standard output")
    check.add_argument("--contract", type=Path, metavar="FILE.odcs.yaml", help="read one file as this contract says")
    check.add_argument("--dialect", type=_object, metavar="JSON", help="the file's Frictionless CSV dialect")
    check.add_argument("--encoding", metavar="E", help="utf-8 (default), utf-8-sig or windows-1258")
    check.add_argument("--out", type=Path, metavar="READ.csv", help="write what was read, as plain CSV")
    check.set_defaults(run=_check)

    laws = commands.add_parser(
        "laws",
        help="check what must be true of the warehouse at any time; changes nothing",
        epilog="exit codes: 0 every law holds, 1 one is broken, 64 wrong usage, 70 internal error",
    )
    laws.add_argument("--json", action="store_true", help="print one JSON array of laws on standard output")
    laws.set_defaults(run=_laws)

    add_quarter(commands, Parser).set_defaults(run=_quarter)

    report = commands.add_parser("report", help="write the board report of a published quarter: HTML, PDF and XLSX")
    report.add_argument("quarter", help="such as 2025Q3")
    report.add_argument("--branch", default="*", help="2-digit code (default: the nation)")
    report.add_argument("--out", required=True, type=Path, metavar="DIR", help="the folder to write into")
    report.add_argument("--lang", choices=("vi", "en"), help="one language (default: both)")
    report.add_argument("--version", type=int, metavar="N", help="this published version (default: the newest)")
    report.set_defaults(run=_report)

    commands.add_parser("psql", help="open psql on the warehouse; arguments are passed through")

    add_backup(commands, say)
    commands.add_parser("up", help="start Airflow and print its address and login").set_defaults(run=_up)
    commands.add_parser("down", help="stop Airflow and the embedded PostgreSQL").set_defaults(run=_down)
    commands.add_parser(
        "demo", help="run both sample provinces through the DAGs and compare with the published figures"
    ).set_defaults(run=_demo)
    return parser


def _object(text: str) -> dict[str, Any]:
    value = None
    with contextlib.suppress(ValueError):
        value = json.loads(text)
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f'{text!r} is no JSON object. Write it as \'{{"delimiter": ";"}}\'.')
    return value


def say(message: str) -> None:
    """Show progress on standard error."""
    print(f"{time.strftime('%H:%M:%S')}  {message}", file=sys.stderr, flush=True)


def _sample(options: argparse.Namespace) -> int:
    import samples  # noqa: PLC0415

    try:
        folders = samples.generate(options.profile, options.out, seed=options.seed, progress=say)
    except samples.ProfileError as error:
        print(f"ProfileError: {error}", file=sys.stderr)
        return USAGE
    say(f"wrote {len(folders)} deliveries below {options.out}")
    return GOOD


def _night(options: argparse.Namespace) -> int:
    if options.landing:
        os.environ["WAREHOUSE_LANDING"] = (
            options.landing if "://" in options.landing else os.path.abspath(options.landing)
        )
    from ingestion.landing import without_password  # noqa: PLC0415
    from pipeline.after import told_night  # noqa: PLC0415
    from pipeline.branch import Selection  # noqa: PLC0415
    from pipeline.build import build as build_marts  # noqa: PLC0415
    from pipeline.dbt_ahead import DbtAhead  # noqa: PLC0415
    from pipeline.night import run_night, timed  # noqa: PLC0415
    from warehouse.connect import open_warehouse  # noqa: PLC0415

    warehouse = open_warehouse()
    with told_night(warehouse, say):
        with DbtAhead(warehouse) as dbt:
            selection = Selection(options.branch, options.business_date)
            night = run_night(warehouse, selection, say, ahead=dbt.start)
            try:
                timed(night.seconds, "marts", lambda: build_marts(warehouse, progress=say, build_areas=dbt.build_areas))
            finally:  # the verdicts stand, whatever becomes of the marts
                _print_outcomes(night.outcomes, without_password(warehouse.settings.landing), as_json=options.json)
        say("seconds: " + ", ".join(f"{step} {seconds:.1f}" for step, seconds in night.seconds.items()))
        night.require_every_branch()
    return BAD if night.is_bad else GOOD


def _print_outcomes(outcomes: Sequence[Outcome], landing: str, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([outcome.as_json() for outcome in outcomes], ensure_ascii=False))
        return
    for outcome in outcomes:
        print(outcome.line)
    if not outcomes:
        print(f"No delivery found in {landing}.")
    elif all(outcome.verdict == "duplicate" for outcome in outcomes):
        print("Every delivery is a duplicate: nothing has changed.")


def _operate(options: argparse.Namespace) -> int:
    from pipeline import operating_command  # noqa: PLC0415

    return operating_command.run(options, say)


def _laws(options: argparse.Namespace) -> int:
    from pipeline.laws import check_laws  # noqa: PLC0415
    from warehouse.connect import open_warehouse  # noqa: PLC0415

    results = check_laws(open_warehouse())
    if options.json:
        print(json.dumps([result.as_json() for result in results], ensure_ascii=False))
    else:
        for result in results:
            print(result.text)
    return GOOD if all(result.holds for result in results) else BAD


def _build(options: argparse.Namespace) -> int:
    from pipeline.build import build as build_marts  # noqa: PLC0415
    from pipeline.status_page import try_to_refresh  # noqa: PLC0415
    from warehouse.connect import open_warehouse  # noqa: PLC0415

    warehouse = open_warehouse()
    built = build_marts(warehouse, full=options.full, progress=say)
    made = ", ".join(f"{count} {part}" for part, count in built.units.items())
    print(
        f"Built in {built.seconds:.1f} s: {made}."
        if built.changed
        else "Nothing to build: the marts follow the ledger."
    )
    try_to_refresh(warehouse, say)
    return GOOD


def _check(options: argparse.Namespace) -> int:
    from pipeline import check_command  # noqa: PLC0415

    try:
        outcome = check_command.check(options, say)
    except check_command.WrongUsageError as error:
        print(f"python -m pipeline check: {error}", file=sys.stderr)
        return USAGE
    if options.json:
        of_no_branch = {"branch_code": None, "business_date": None} if options.contract else {}
        print(json.dumps([outcome.as_json() | of_no_branch], ensure_ascii=False))
    else:
        print(outcome.line)
        for line in outcome.finding_lines:
            print(line)
    return CHECKED.get(outcome.verdict, GOOD)


def _quarter(options: argparse.Namespace) -> int:
    from pipeline import quarter_command  # noqa: PLC0415

    return quarter_command.run(options, say)


def _report(options: argparse.Namespace) -> int:
    from pipeline import report_command as report  # noqa: PLC0415

    return report.run(options, say)


def _psql(options: argparse.Namespace) -> NoReturn:
    from warehouse.connect import open_warehouse  # noqa: PLC0415

    warehouse = open_warehouse()
    program = warehouse.program("psql")
    # In the environment, not among the arguments: these are everybody's to see.
    os.execve(program, [program, *options.arguments], {**os.environ, **warehouse.libpq_environment("admin")})


def _up(_: argparse.Namespace) -> int:
    from pipeline import airflow  # noqa: PLC0415

    airflow.up(progress=say)
    return GOOD


def _down(_: argparse.Namespace) -> int:
    from pipeline import airflow  # noqa: PLC0415

    airflow.down(progress=say)
    return GOOD


def _demo(_: argparse.Namespace) -> int:
    from pipeline import demo  # noqa: PLC0415

    return demo.run(progress=say)
