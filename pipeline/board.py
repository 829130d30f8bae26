"""The board: branches by business dates, each with its verdict, read in one snapshot. What status, page and digest show."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg

from pipeline.board_model import Board, Branch, Cell
from pipeline.deadline import ZONE, clock, deadline_of, last_due_date
from pipeline.news import branch_name, short_name
from pipeline.nights import find_killed_nights, last_night_ended
from warehouse.connect import Connection, Warehouse

DATES = 30
"""Business dates on the board."""
FINDINGS = 50
"""Findings that are shown of one delivery; the feedback has all of them."""
SQL = Path(__file__).parent / "board_sql"


def read_board(warehouse: Warehouse, now: dt.datetime | None = None, marts_follow: dt.timedelta | None = None) -> Board:
    """Read the board of the newest dates on record, in one snapshot. `marts_follow`: how long marts may be behind the ledger."""
    looked_at = now or clock()
    with warehouse.connect("loader") as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        today = looked_at.astimezone(ZONE).date()
        dates = _read_dates(connection, today)
        last = next((date for date in dates if date <= today), None)
        branches = _read_branches(connection, dates)
        _fill(connection, branches, dates, looked_at)
        for branch in branches:
            # A branch that was not there, and of which nothing is said, has no place.
            branch.cells = {date: cell for date, cell in branch.cells.items() if cell.state != "none"}
        never = connection.execute(
            "select branch_code from meta.branches as b where valid_to is null and not exists "
            "(select from meta.deliveries as d where d.branch_code = b.branch_code and d.branch_valid_from = b.valid_from) "
            "order by 1"
        ).fetchall()
        strangers = connection.execute(
            "select path, coalesce(findings -> 0 ->> 'message', '') from meta.arrivals as a "
            "where verdict = 'refused' and gone_at is null and not exists (select from meta.branches as b "
            "where b.branch_code = a.branch_code "
            "and a.business_date between b.valid_from and coalesce(b.valid_to, 'infinity')) order by path"
        ).fetchall()
        behind = connection.execute(
            "with newest as (select * from meta.builds where flipped_at is not null order by build_id desc limit 1) "
            "select coalesce((select min(at) from meta.ledger "
            "where entry_no > coalesce((select ledger_entry_no from newest), 0)), "
            "(select flipped_at from newest where not is_last))"
        ).fetchone()
        since = behind[0] if behind else None
        return Board(
            looked_at=looked_at, dates=dates, branches=[branch for branch in branches if branch.cells],
            never_delivered=[branch_name(code) for (code,) in never], strangers=strangers,
            killed=find_killed_nights(connection), last_night=last_night_ended(connection),
            is_built=since is None or (marts_follow is not None and looked_at - since < marts_follow),
            dates_without_word=max((last_due_date(looked_at) - last).days, 0) if last else 0,
        )  # fmt: skip


def read_findings(warehouse: Warehouse, cells: Iterable[Cell]) -> None:
    """Give the cells the first findings of their deliveries."""
    by_id = {cell.delivery_id: cell for cell in cells if cell.delivery_id is not None}
    with warehouse.connect("loader") as connection:
        cursor = connection.execute(_sql("findings"), {"ids": list(by_id), "most": FINDINGS})
        for delivery_id, dataset, row, column, rule, severity, value, message in cursor:
            told = {"dataset": dataset, "row": row, "column": column, "rule": rule, "severity": severity,
                    "value": value, "message": message}  # fmt: skip
            by_id[delivery_id].findings.append(told)


def _read_dates(connection: Connection, today: dt.date) -> list[dt.date]:
    """The dates of the board, newest first: every calendar date of the last weeks, older ones and those to come with an arrival."""
    on_record = [
        date
        for (date,) in connection.execute(
            "select distinct business_date from meta.ledger where business_date is not null union "
            "select distinct business_date from meta.arrivals where business_date is not null and verdict = 'waiting' "
            "and gone_at is null order by 1 desc",
        )
    ]
    to_come = [date for date in on_record if date > today][-DATES:]
    come = [date for date in on_record if date <= today][:DATES]
    if not come:
        return to_come
    newest = come[0]
    recent = min(date for date in come if (newest - date).days < DATES)
    dates = [newest - dt.timedelta(days=days) for days in range((newest - recent).days + 1)]
    return to_come + (dates + [date for date in come if date < recent])[:DATES]


def _read_branches(connection: Connection, dates: list[dt.date]) -> list[Branch]:
    """Every branch that has ever delivered, or of which a folder came, with an empty place for each of its dates."""
    rows = connection.execute(
        """
        select b.branch_code, b.name_vi, b.valid_from, b.valid_to, f.first_on, p.paused_by, p.paused_at, p.reason
        from meta.branches as b
        left join lateral (
            select min(d.business_date) as first_on from meta.deliveries as d
            where d.branch_code = b.branch_code and d.branch_valid_from = b.valid_from
        ) as f on true
        left join meta.pauses as p on p.branch_code = b.branch_code and p.resumed_at is null
        where f.first_on is not null or exists (
            select from meta.arrivals as a where a.branch_code = b.branch_code
                and a.business_date between b.valid_from and coalesce(b.valid_to, 'infinity')
        )
        order by b.branch_code, b.valid_from
        """
    ).fetchall()
    found: dict[str, Branch] = {}
    for code, name, start, end, first, paused_by, paused_at, reason in rows:
        paused = f"paused by {paused_by} since {paused_at.astimezone(ZONE):%Y-%m-%d}: {reason}" if paused_by else None
        branch = found.setdefault(code, Branch(code, "", {}, paused))
        # A code may have named another province once: the last one to stand is the one of the board.
        branch.name = f"{code} {short_name(name)}"
        for date in dates:
            if start <= date and (end is None or date <= end):
                state = "missing" if first is not None and first <= date else "none"
                branch.cells[date] = Cell(state, code, date)
    return list(found.values())


def _fill(connection: Connection, branches: list[Branch], dates: list[dt.date], now: dt.datetime) -> None:
    places = {(branch.code, date): cell for branch in branches for date, cell in branch.cells.items()}
    for code, date in connection.execute(_sql("coverage"), {"dates": dates}):
        if (code, date) in places:
            places[code, date].state = "covered"
    for row in connection.execute(_sql("arrivals"), {"dates": dates}):
        if cell := places.get((row[0], row[1])):
            _take_arrival(cell, row[2:])
    for code, date, revision in connection.execute(
        "select branch_code, business_date, revision from meta.visible_deliveries where business_date = any(%s)",
        [dates],
    ):
        if cell := places.get((code, date)):
            cell.visible_revision = revision
    for code, date, revision, findings in connection.execute(
        "select branch_code, business_date, revision, findings from meta.arrivals "
        "where verdict = 'waiting' and gone_at is null and business_date = any(%s) order by revision",
        [dates],
    ):
        if (cell := places.get((code, date))) and (cell.revision or 0) < (revision or 0):
            cell.state, cell.revision = "waiting", revision
            cell.reason = findings[0]["message"] if findings else "Not everything is there yet."
    for branch in branches:
        for cell in branch.cells.values():
            _judge_time(cell, now)
            if branch.paused and cell.state in ("missing", "waiting"):
                cell.state, cell.reason = "paused", branch.paused


def _take_arrival(cell: Cell, row: tuple[Any, ...]) -> None:
    (cell.revision, cell.state, cell.reason, cell.delivery_id, cell.arrived_at, first_arrived_at, cell.rows, cell.errors,
     cell.warnings, cell.seconds, cell.could_not_run, _, detail) = row  # fmt: skip
    cell.findings = list(detail.get("findings", []))
    if cell.state == "refused":
        cell.findings = [{"dataset": "", "row": None, "column": None, "rule": detail.get("rule", ""), "severity": "error",
                          "value": None, "message": cell.reason}]  # fmt: skip
    # What counts is when the branch first delivered, not when it corrected.
    arrived = first_arrived_at or cell.arrived_at
    if arrived is not None and arrived > deadline_of(cell.business_date):
        cell.late = arrived - deadline_of(cell.business_date)


def _judge_time(cell: Cell, now: dt.datetime) -> None:
    overdue = now - deadline_of(cell.business_date)
    if cell.state in ("missing", "waiting"):
        cell.late = overdue if overdue > dt.timedelta() else None
        if cell.state == "missing" and cell.late is None:
            cell.state = "expected"
            cell.reason = f"The deadline is {deadline_of(cell.business_date):%Y-%m-%d %H:%M}."
        elif cell.state == "missing":
            cell.reason = "Nothing has been delivered for this date."


def _sql(name: str) -> Any:
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")
