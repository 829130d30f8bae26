"""The dead-man check: speaks when no night has ended since the deadline. For cron or systemd, outside of Airflow.

It starts nothing, and needs neither Airflow nor a running PostgreSQL to say that something is wrong.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import psycopg

from contract.errors import WarehouseError
from pipeline.airflow_settings import Airflow
from pipeline.deadline import clock, deadline_of, last_due_date
from pipeline.nights import find_killed_nights, last_night_ended
from pipeline.telling import read_targets, require_taken, send
from warehouse.connect import Warehouse
from warehouse.server import EmbeddedServer
from warehouse.settings import Settings, read_settings

GRACE = dt.timedelta(minutes=90)
"""After the deadline, for the night that begins at it to end: nights begin every hour."""


@dataclass(frozen=True)
class Watch:
    """What was found: the deadline that was asked about, and every reason for alarm."""

    deadline: dt.datetime
    last_night: dt.datetime | None
    alarms: list[str]

    @property
    def text(self) -> str:
        """One line, or one a reason."""
        if not self.alarms:
            assert self.last_night is not None
            return f"Good: a night has ended since the deadline of {self.deadline:%Y-%m-%d %H:%M}, at {self.last_night.astimezone(self.deadline.tzinfo):%Y-%m-%d %H:%M}."
        return "\n".join(["The warehouse needs somebody:", *(f"  {alarm}" for alarm in self.alarms),
                          "  What to do: docs/runbooks/rerun-a-night.md"])  # fmt: skip


def watch(settings: Settings | None = None, now: dt.datetime | None = None) -> Watch:
    """Look whether nights come to their end. Never raises for what is wrong with the warehouse: that is an alarm."""
    found = settings or read_settings()
    moment = now or clock()
    deadline = deadline_of(last_due_date(moment - GRACE))
    alarms: list[str] = []
    last_night: dt.datetime | None = None
    try:
        warehouse = Warehouse(found, found.url or EmbeddedServer(found.home).url)
        with warehouse.connect("loader") as connection:
            last_night = last_night_ended(connection)
            alarms += map(str, find_killed_nights(connection, deadline - dt.timedelta(days=1)))
    except (WarehouseError, psycopg.Error, OSError) as error:
        alarms.append(f"the warehouse does not answer: {' '.join(str(error).split())}")
    else:
        if last_night is None or last_night < deadline:
            ended = (
                f"the last one ended at {last_night.astimezone(deadline.tzinfo):%Y-%m-%d %H:%M}"
                if last_night
                else "none ever has"
            )
            alarms.append(f"no night has ended since the deadline of {deadline:%Y-%m-%d %H:%M}; {ended}")
    try:
        alarms += _find_dead_services(found)
    except OSError as error:
        alarms.append(f"whether Airflow runs cannot be seen: {error}")
    return Watch(deadline, last_night, alarms)


def tell(found: Watch, settings: Settings | None = None) -> list[str]:
    """Send the alarms to the receivers of the digest, once for the same alarms; return to whom they went.

    What was told stands in a file: the database may be what is dead.
    """
    note = (settings or read_settings()).home / "watch_told.json"
    key = [found.deadline.isoformat(), *(alarm.split(";")[0] for alarm in found.alarms)]
    if not found.alarms:
        note.unlink(missing_ok=True)
        return []
    with suppress(OSError, ValueError):
        if json.loads(note.read_text(encoding="utf-8")) == key:
            return []
    subject = f"Warehouse: {found.alarms[0]}"
    document = {"text": found.text, "subject": subject, "verdict": "bad", "alarms": found.alarms}
    sent, failures = send(read_targets(), subject, found.text, document)
    if sent:
        with suppress(OSError):  # without the note it speaks again
            note.parent.mkdir(parents=True, exist_ok=True)
            part = note.with_name(f"{note.name}.{os.getpid()}")
            part.write_text(json.dumps(key), encoding="utf-8")
            part.replace(note)
    require_taken(failures)
    return sent


def _find_dead_services(settings: Settings) -> Sequence[str]:
    """Airflow's processes that were started and not stopped, and do not run."""
    services = Airflow(settings.home).services
    dead = [service.name for service in services if service.recorded() is not None and not service.is_running()]
    return [f"Airflow's {' and '.join(dead)} died; `make up` starts what is missing"] if dead else []
