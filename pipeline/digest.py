"""One digest a run: held, late and missing branches, warnings by kind, what changed since the date before.

Where nothing has turned since the last one, a run says nothing, but for the first one after the deadline: that is the final word
on its night.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult

from pipeline.board import read_board
from pipeline.board_model import WORDS, Board, Cell
from pipeline.deadline import ZONE, clock, last_due_date
from pipeline.telling import name, read_targets, require_taken, send
from warehouse.connect import Connection, Warehouse

TITLES = {"good": "good", "remarks": "good, with remarks", "bad": "NOT GOOD", "empty": "empty"}
MOST = 40
"""Lines of one kind; the page has all of them."""


@dataclass(frozen=True)
class Digest:
    """What is told: a subject in one line, and parts of a title and lines each."""

    subject: str
    verdict: str
    business_date: dt.date | None
    parts: dict[str, list[str]]

    @property
    def text(self) -> str:
        """The digest as plain text."""
        blocks = [f"{title}\n" + "\n".join(f"  {line}" for line in lines) for title, lines in self.parts.items()]
        return "\n\n".join([self.subject, *blocks]) + "\n"

    def as_json(self) -> dict[str, Any]:
        """The digest for a webhook; `text` is what Mattermost, Slack and Rocket.Chat show."""
        date = self.business_date.isoformat() if self.business_date else None
        return {
            "text": self.text,
            "subject": self.subject,
            "verdict": self.verdict,
            "business_date": date,
            "parts": self.parts,
        }


def tell_digest(
    warehouse: Warehouse,
    about: str,
    since: dt.datetime,
    failed_tasks: Sequence[str] = (),
    *,
    now: dt.datetime | None = None,
    marts_follow: dt.timedelta | None = None,
) -> list[str]:
    """Send the digest of a run that began at `since`, once; return to whom it went. `about` names the run.

    `marts_follow`: how long marts may be behind the ledger without being told of.
    Nothing is sent where nobody is named in WAREHOUSE_DIGEST, or there is nothing to say. Errors: WarehouseError when a
    receiver does not take it; those who did are on record, so that a repetition sends it to the others alone.
    """
    moment = now or clock()
    with warehouse.connect("loader", autocommit=True) as connection:
        # Two tasks that tell of the same run, or two runs that are both the first after the deadline, tell once.
        connection.execute("select pg_advisory_lock(hashtext('digest'))")
        due = last_due_date(moment)
        known = connection.execute("select sent_to, is_final from meta.digests where about = %s", [about]).fetchone()
        is_final = known[1] if known else not _is_told(connection, "is_final and business_date = %s", due)
        targets = _without(read_targets(), known[0] if known else [])
        if not targets:
            return []
        ledger = connection.execute("select coalesce(max(entry_no), 0) from meta.ledger").fetchone()
        assert ledger is not None
        board = read_board(warehouse, moment, marts_follow)
        if is_final and board.night == moment.astimezone(ZONE).date():
            board.due = due  # what has come of today is not what the last word is about
        # A killed night is told until one has ended since, and by that one for the last time.
        is_killed = any(killed.made_up_at is None or killed.made_up_at >= since for killed in board.killed)
        has_more = board.verdict != "empty" and (is_final or _has_turned(connection, since))
        if not (known or failed_tasks or is_killed or has_more):
            return []
        digest = compose(connection, board, failed_tasks)
        sent, failures = send(targets, digest.subject, digest.text, digest.as_json())
        if sent:
            connection.execute(
                "insert into meta.digests (about, business_date, is_final, subject, sent_to, ledger_entry_no) "
                "values (%s, %s, %s, %s, %s, %s) on conflict (about) do update "
                "set sent_to = meta.digests.sent_to || excluded.sent_to",
                [about, due if is_final else board.night, is_final, digest.subject, sent, ledger[0]],
            )
        require_taken(failures)
        return sent


def compose(connection: Connection, board: Board, failed_tasks: Sequence[str] = ()) -> Digest:
    """Put the digest of a board into words."""
    names = {branch.code: branch.name for branch in board.branches}

    def lines(cells: Sequence[Cell], *, dated: bool = False) -> list[str]:
        told = [_line(names[cell.branch_code], cell, dated=dated) for cell in cells]
        return told[:MOST] + ([f"and {len(told) - MOST} more"] if len(told) > MOST else [])

    late = [cell for cell in board.cells if cell.late and not cell.is_problem]
    parts = {
        "Tasks that failed or were killed": [*failed_tasks, *map(str, board.killed)],
        "Nobody has delivered": [f"for {board.dates_without_word} later dates whose deadline has passed"]
        if board.dates_without_word
        else [],
        "Held or refused": lines([cell for cell in board.problems if cell.state in ("held", "refused")]),
        "Refused for their names": [f"{path}: {message}" for path, message in board.strangers[:MOST]],
        "Missing": lines([cell for cell in board.problems if cell.state in ("missing", "waiting")]),
        "Came late": lines(late),
        "Paused": [f"{branch.name}: {branch.paused}" for branch in board.branches if branch.paused],
        "Warnings by kind": _count_warnings(connection, [cell for cell in board.cells if cell.visible_revision]),
        "Changed since the date before": _find_differences(board, names),
        "Still open on other dates": lines(board.other_problems, dated=True),
        "The marts": [] if board.is_built else ["have not followed the ledger yet"],
    }
    date = board.night.isoformat() if board.night else "no date"
    return Digest(
        subject=f"Warehouse, night of {date}: {TITLES['bad' if failed_tasks else board.verdict]} ({board.headline})",
        verdict="bad" if failed_tasks else board.verdict,
        business_date=board.night,
        parts={title: told for title, told in parts.items() if told},
    )


def _line(name: str, cell: Cell, *, dated: bool) -> str:
    date = f" {cell.business_date}" if dated else ""
    late = f", {cell.late.total_seconds() / 3600:.1f} h late" if cell.late else ""
    return f"{name}{date}: {cell.words}{late}. {cell.could_not_run or cell.reason}".rstrip()


def _find_differences(board: Board, names: dict[str, str]) -> list[str]:
    """Where a branch stands otherwise than on the business date before; a date without business is passed over."""
    told = []
    for branch in board.branches:
        if board.night is None or board.night not in branch.cells:
            continue
        states = [branch.cells[date].state for date in sorted(branch.cells, reverse=True) if date <= board.night]
        states = [states[0], *(state for state in states[1:] if state != "covered")]
        if len(states) > 1 and states[0] != states[1] and states[0] != "covered":
            told.append(f"{names[branch.code]}: {WORDS[states[1]]} -> {WORDS[states[0]]}")
    return told


def _count_warnings(connection: Connection, cells: Sequence[Cell]) -> list[str]:
    rows = connection.execute(
        """
        select rule, dataset, count(*), count(distinct delivery_id) from meta.findings
        where severity = 'warning' and delivery_id = any(%s) group by rule, dataset order by 3 desc, 1, 2 limit %s
        """,
        [[cell.delivery_id for cell in cells], MOST],
    ).fetchall()
    return [
        f"{rule} ({dataset}): {count} in {deliveries} deliver{'y' if deliveries == 1 else 'ies'}"
        for rule, dataset, count, deliveries in rows
    ]


def _has_turned(connection: Connection, since: dt.datetime) -> bool:
    """Whether the ledger has grown since the last digest: what nobody could be told the next run tells, and nobody hears it twice.

    Where no digest says how far it told: since the run began.
    """
    row = connection.execute(
        "select exists (select from meta.ledger as l "
        "cross join (select max(ledger_entry_no) as entry_no from meta.digests) as told where l.verdict <> 'duplicate' "
        "and case when told.entry_no is null then l.at >= %s else l.entry_no > told.entry_no end)",
        [since],
    ).fetchone()
    return bool(row and row[0])


def _without(targets: list[SplitResult], told: Sequence[str]) -> list[SplitResult]:
    """The receivers apart from those who have been told already."""
    left = Counter(told)
    untold = []
    for target in targets:
        if left[name(target)]:
            left[name(target)] -= 1
        else:
            untold.append(target)
    return untold


def _is_told(connection: Connection, condition: str, value: Any) -> bool:
    row = connection.execute(f"select exists (select from meta.digests where {condition})", [value]).fetchone()
    return bool(row and row[0])
