"""`python -m pipeline backup`, `restore` and `rebuild`: not losing the warehouse."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contract.errors import WarehouseError
from warehouse.settings import PROJECT

Progress = Callable[[str], None]
RUNBOOK = "See docs/runbooks/backup-and-restore.md."
OF_ANOTHER = ("WAREHOUSE_URL", "WAREHOUSE_STORE", "WAREHOUSE_OUTBOX")
"""Settings of the warehouse that was lost, or lives on: what a restore makes lies in its new home, all of it."""


def add_backup(commands: Any, say: Progress) -> None:
    """Add the three commands to the command line."""
    backup = commands.add_parser("backup", help="seal a copy of everything: server, log, dump, store, secrets")
    backup.add_argument(
        "--log", action="store_true", help="only what was committed since the last time (every few minutes)"
    )
    _add_place(backup)
    backup.set_defaults(run=lambda options: _backup(options, say))

    restore = commands.add_parser("restore", help="make a warehouse again from its backup, in a new home")
    restore.add_argument("--home", required=True, type=Path, help="the new WAREHOUSE_HOME; must be empty")
    restore.add_argument(
        "--time", type=_moment, help="the state of this moment (2025-09-30T22:15:00+07:00; default: the last)"
    )
    _add_place(restore)
    restore.set_defaults(run=lambda options: _restore(options, say))

    rebuild = commands.add_parser("rebuild", help="lay the stored deliveries out as a landing, to be taken in again")
    rebuild.add_argument("--store", required=True, type=Path, help="the store of the lost warehouse")
    rebuild.add_argument("--landing", required=True, type=Path, help="the folder to lay them out in")
    rebuild.set_defaults(run=_rebuild)


def _add_place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", type=Path, help="where backups lie (default: WAREHOUSE_BACKUPS or <home>/backups)")
    parser.add_argument("--key", type=Path, help="the key file (default: WAREHOUSE_BACKUP_KEY or <home>/backup.key)")


def _moment(text: str) -> dt.datetime:
    with contextlib.suppress(ValueError):
        moment = dt.datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment
    raise argparse.ArgumentTypeError(
        f"{text!r} is no moment with its time zone. Write it as 2025-09-30T22:15:00+07:00."
    )


def _place(options: argparse.Namespace) -> tuple[Path, Path]:
    from warehouse.settings import read_settings  # noqa: PLC0415

    home = read_settings().home
    folder = options.folder or os.environ.get("WAREHOUSE_BACKUPS") or home / "backups"
    key = options.key or os.environ.get("WAREHOUSE_BACKUP_KEY") or home / "backup.key"
    return Path(folder).absolute(), Path(key).absolute()


def _backup(options: argparse.Namespace, say: Progress) -> int:
    from warehouse.backup import back_up, read_manifests, require_backup, require_whole_log, ship  # noqa: PLC0415
    from warehouse.connect import open_warehouse  # noqa: PLC0415
    from warehouse.sealed import make_key, read_key  # noqa: PLC0415

    folder, key = _place(options)
    if key.is_relative_to(folder):
        raise WarehouseError(f"The key {key} lies in the backup itself", remedy="Keep it elsewhere.")
    if options.log:
        require_backup(folder)
    # A key that was mislaid is not made anew beside the backups that it sealed.
    secret = read_key(key) if options.log or read_manifests(folder) else make_key(key)
    warehouse, started = open_warehouse(), time.monotonic()
    if options.log:
        ship(warehouse, folder, secret, say)
        require_whole_log(folder)
        print(f"The log is shipped to {folder} ({time.monotonic() - started:.1f} s).")
    else:
        target = back_up(warehouse, folder, secret, say)
        print(f"Backed up to {target} ({time.monotonic() - started:.1f} s). Without the key {key} it is worth nothing:")
        print(f"keep a copy of the key where the backups are not. {RUNBOOK}")
    return 0


def _restore(options: argparse.Namespace, say: Progress) -> int:
    from warehouse.restore import restore  # noqa: PLC0415
    from warehouse.sealed import read_key  # noqa: PLC0415

    folder, key = _place(options)
    done = restore(folder, options.home.absolute(), read_key(key), options.time, say)
    last = f"last commit: {done.last_commit:%Y-%m-%d %H:%M:%S %z}" if done.last_commit else "no commit came after it"
    print(f"Restored into {options.home} from {done.base.name} in {done.seconds:.1f} s; {last}.")
    if done.erasures:
        say(f"erasing {done.erasures} persons again (law 12)")
        command = [sys.executable, "-m", "pipeline", "erase", "--again"]
        environment = {name: value for name, value in os.environ.items() if name not in OF_ANOTHER}
        environment["WAREHOUSE_HOME"] = str(options.home.absolute())
        if subprocess.run(command, env=environment, cwd=PROJECT, check=False).returncode:
            raise WarehouseError("Persons on the list of erasures may be found again", remedy="See the lines above.")
    unset = "".join(f"-u {name} " for name in OF_ANOTHER if name in os.environ)
    print(f"Next: {unset and f'env {unset}'}WAREHOUSE_HOME={options.home} python -m pipeline laws. {RUNBOOK}")
    return 0


def _rebuild(options: argparse.Namespace) -> int:
    from ingestion.store import Store  # noqa: PLC0415
    from pipeline.erasure import LIST  # noqa: PLC0415
    from pipeline.rebuild import lay_out  # noqa: PLC0415

    landings = lay_out(Store(options.store), options.landing)
    if not landings:
        print(f"No delivery is whole in {options.store}.")
        return 1
    for landing in landings:
        print(f"Laid {len(list(landing.glob('*/*/*')))} deliveries out in {landing}.")
    print("Next, in a new WAREHOUSE_HOME, in this order:")
    if (options.store / LIST).exists():
        # Before the first night, so that no delivery brings back who was erased (law 12).
        print(f"mkdir -p $WAREHOUSE_HOME/store && cp {options.store / LIST} $WAREHOUSE_HOME/store")
        print("python -m pipeline erase --again")
    for landing in landings:
        print(f"python -m pipeline night --landing {landing}")
    return 0
