"""One night in one process: the same steps as the DAGs, oldest first, then the marts."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from contract.errors import WarehouseError, describe_failure
from expectations import import_ahead
from ingestion.landing import Landing
from ingestion.receive import Arrival
from pipeline.branch import Selection, find_branches, look_again, publish_branch, verify_branch
from pipeline.intake import Progress, load_pending, quiet, validate_pending
from pipeline.news import branch_name
from pipeline.outcomes import Outcome, arrival_outcome, delivery_outcome
from pipeline.pause import paused_branches, require_at_work
from pipeline.processes import end_with_parent
from warehouse.connect import Warehouse

T = TypeVar("T")
ROUNDS = 3
"""A folder that waits for another delivery under its number is looked at again, at most so often in one night."""


@dataclass
class Night:
    """What a night did: an outcome for every delivery found or turned, and seconds by step.

    `failures` says of each branch whose steps broke off what failed and where; its deliveries wait for the next night.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def is_bad(self) -> bool:
        """True when anything was held or refused."""
        return any(outcome.is_bad for outcome in self.outcomes)

    @contextlib.contextmanager
    def going_on_after(self, code: str, progress: Progress) -> Iterator[None]:
        """Note among the failures what breaks off in the block, the work for one branch."""
        try:
            yield
        except Exception as error:
            self.failures[code] = str(error) if isinstance(error, WarehouseError) else describe_failure(error)
            progress(f"{code}: broke off: {self.failures[code]}")

    def require_every_branch(self) -> None:
        """Raise WarehouseError when the steps of a branch broke off."""
        if self.failures:
            lines = [f"{branch_name(code)}: {failure}" for code, failure in sorted(self.failures.items())]
            raise WarehouseError(
                "\n".join(["The work broke off for", *lines]),
                remedy="The other branches are done. Remove the cause, and run the same command again.",
            )


def run_night(
    warehouse: Warehouse,
    selection: Selection | None = None,
    progress: Progress = quiet,
    processes: int = os.cpu_count() or 1,
    ahead: Callable[[], object] | None = None,
) -> Night:
    """Verify, load, validate and publish everything that the selection takes; the marts are built by the caller.

    Branches with something to do are shared out among `processes`; PostgreSQL keeps them apart. One that breaks off
    leaves the others alone: see `Night.failures`. If there is anything to do, `ahead` is called first: it starts what the
    caller needs afterwards and takes seconds.
    """
    night = Night()
    wanted = selection or Selection()
    if wanted.branch:
        require_at_work(warehouse, wanted.branch)
    codes = [wanted.branch] if wanted.branch else _find_codes(warehouse)
    busy = set(find_branches(warehouse)) & set(codes)
    if busy and ahead:
        ahead()
    work = partial(_run_alone, warehouse, selection=wanted, progress=progress)
    if len(busy) > 1 and processes > 1:
        parts = _share_out(warehouse, work, sorted(busy), processes)
    else:
        parts = list(map(work, sorted(busy)))
    idle = set(codes) - busy
    known = timed(night.seconds, "verify", lambda: look_again(warehouse, idle, wanted))
    parts.append(Night([arrival_outcome(arrival) for arrivals in known.values() for arrival in arrivals]))
    parts += map(work, sorted(idle - set(known)))
    found: dict[tuple[str, str, int | None], Outcome] = {}
    for part in parts:
        night.failures |= part.failures
        for step, seconds in part.seconds.items():
            night.seconds[step] = night.seconds.get(step, 0.0) + seconds
        for outcome in part.outcomes:
            place = (outcome.branch_code, outcome.business_date, outcome.revision)
            # A relative's delivery may have turned while its own branch was looked at: the verdict counts.
            if place not in found or found[place].verdict in ("duplicate", "waiting"):
                found[place] = outcome
    night.outcomes = [found[place] for place in sorted(found, key=lambda place: (place[1], place[0], place[2] or 0))]
    return night


def _share_out(warehouse: Warehouse, work: Callable[[str], Night], codes: list[str], processes: int) -> list[Night]:
    """Do the work in worker processes. One that is killed takes the pool with it: who was cut off begins again, alone."""
    began = _newest_entry(warehouse)
    parts = _run_in_workers(work, codes, processes)
    cut_off = [code for code in codes if code not in parts]
    for code in cut_off:
        parts |= _run_in_workers(work, [code], 1)
    killed = "its process was killed, perhaps for want of memory"
    nights = [parts.get(code, Night(failures={code: killed})) for code in codes]
    # What turned before they were cut off is a repeat to those who begin again.
    return [*nights, Night(_find_turned(warehouse, began))] if cut_off else nights


def _newest_entry(warehouse: Warehouse) -> int:
    with warehouse.connect("loader") as connection:
        row = connection.execute("select coalesce(max(entry_no), 0) from meta.ledger").fetchone()
    assert row is not None
    return int(row[0])


def _find_turned(warehouse: Warehouse, last_entry: int) -> list[Outcome]:
    with warehouse.connect("loader") as connection:
        turned = connection.execute(
            "select distinct delivery_id from meta.ledger where entry_no > %s and delivery_id is not null", [last_entry]
        ).fetchall()
        return [delivery_outcome(connection, delivery_id) for (delivery_id,) in turned]


def _run_in_workers(work: Callable[[str], Night], codes: list[str], processes: int) -> dict[str, Night]:
    """What came of the codes whose worker was not killed, nor cut off by another's death."""
    futures: dict[str, Future[Night]] = {}
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(processes, len(codes)), spawn, end_with_parent) as pool:
        try:
            with contextlib.suppress(BrokenProcessPool):
                for code in codes:
                    futures[code] = pool.submit(work, code)
            wait(futures.values())
        finally:  # after Ctrl-C no other branch begins
            for future in futures.values():
                future.cancel()
    ended = {code: future for code, future in futures.items() if not isinstance(future.exception(), BrokenProcessPool)}
    return {code: future.result() for code, future in ended.items()}


def _find_codes(warehouse: Warehouse) -> list[str]:
    """The branches that have a folder in the landing and are not paused."""
    with warehouse.connect("loader") as connection:
        paused = paused_branches(connection)
    return [code for code in Landing(warehouse.settings.landing).branches() if code not in paused]


def _run_alone(warehouse: Warehouse, code: str, selection: Selection, progress: Progress) -> Night:
    night = Night()
    with night.going_on_after(code, progress):
        night.outcomes = run_branch(warehouse, code, selection, progress, night.seconds)
    return night


def run_branch(
    warehouse: Warehouse, code: str, selection: Selection, progress: Progress, seconds: dict[str, float]
) -> list[Outcome]:
    """Run the four steps for one branch and return an outcome for each delivery found or turned."""
    turned: dict[int | None, Outcome] = {}
    for _ in range(ROUNDS):
        arrivals = timed(seconds, "verify", lambda: verify_branch(warehouse, code, selection))
        new = [arrival for arrival in arrivals if arrival.verdict is None]
        if new:
            progress(f"{code}: {len(new)} new of {len(arrivals)} deliveries")
            import_ahead()
        timed(seconds, "load", lambda: load_pending(warehouse, code, progress))
        timed(seconds, "validate", lambda: validate_pending(warehouse, code, progress))
        published = timed(seconds, "publish", lambda: publish_branch(warehouse, code))
        turned |= {outcome.delivery_id: outcome for outcome in published}
        if not any(_waits_for_another(arrival) for arrival in arrivals):
            break
    return _combine(warehouse, arrivals, turned)


def _waits_for_another(arrival: Arrival) -> bool:
    return arrival.verdict == "waiting" and any(finding["rule"] == "revision-conflict" for finding in arrival.findings)


def _combine(warehouse: Warehouse, arrivals: list[Arrival], turned: dict[int | None, Outcome]) -> list[Outcome]:
    """The last word on each delivery: a repeat whose verdict turned in this run shows its new verdict."""
    outcomes = []
    with warehouse.connect("loader") as connection:
        for arrival in arrivals:
            turn = turned.get(arrival.delivery_id)
            if turn and turn.revision == arrival.folder.revision:  # not one of the same content under another number
                outcomes.append(turned.pop(arrival.delivery_id))
            elif arrival.verdict is None and arrival.delivery_id is not None:
                outcomes.append(delivery_outcome(connection, arrival.delivery_id))
            else:
                outcomes.append(arrival_outcome(arrival))
    return outcomes + list(turned.values())


def timed(seconds: dict[str, float], step: str, work: Callable[[], T]) -> T:
    """Run `work` and add its seconds to `step`."""
    started = time.monotonic()
    try:
        return work()
    finally:
        seconds[step] = seconds.get(step, 0.0) + time.monotonic() - started
