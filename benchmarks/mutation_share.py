"""A share of the random mutations of a valid delivery through the whole door, and what became of each.

A branch gets a visible delivery, the original that follows it, and then the mutations as further revisions of the same
date, all through the steps of one night. Of each is required:

- published: its rows are the original's, dataset by dataset, all values of the contract's columns compared by hash;
- called a duplicate: its content, as the contract's section 1 defines it, is that of the revision that it is said to
  repeat. That is computed here from the two folders, without the door's code. One from which the reader would read
  other rows is counted apart: a manifest may declare a format that the same bytes do not have;
- anything else: not published. After all of them readers see the original's rows;
- no step broke off, no check could not run, nothing is without a verdict.

Great Expectations costs ten times as much as the rest and is spared where its answer cannot matter or is known:

- the reader or a rule in SQL has found an error already, or the roll-forward against the visible delivery of the day
  before finds one: it can add findings, and never take one away;
- the rows are those of the original, and so are branch, dates and the close of business, which are all that its suites
  look at: it has passed them already.

One of these in forty is validated all the same. Everything else goes through the whole validation.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import expectations
from benchmarks.mutate import PLACE, mutate
from contract.findings import no_findings
from contract.model import load_datasets
from expectations.run import Report
from ingestion.read import read_blocks
from ingestion.rules import count_findings, find_dataset_violations, measure_opening
from pipeline import intake
from pipeline.branch import Selection
from pipeline.night import run_night
from tests.door.book import DATE, FIRST_DATE, following, opening
from warehouse.connect import Connection, Warehouse

PUBLISHED = ("published", "published_with_warnings", "provisional")
READ_OTHERWISE = "duplicate, read otherwise"
REPEATED = re.compile(r"Same content as revision (\d+)")
ALL_THE_SAME = 40
Rows = dict[str, tuple[int, Any]]


@dataclass
class Share:
    """What became of one branch's mutations.

    `counts` by kind and verdict; `validated` says how often Great Expectations ran or why not; `restated` are published
    with the original's rows under a manifest that says something else of them; `wrong` is what must not be.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    validated: Counter[str] = field(default_factory=Counter)
    restated: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def run_share(warehouse: Warehouse, branch: str, count: int, seed: int, share_no: int = 0) -> Share:
    """Take `count` mutations of one branch's delivery through the door. The warehouse must not know the branch yet."""
    landing, share = Path(warehouse.settings.landing), Share()
    first = opening(branch)
    first.write(landing)
    original = following(first)
    folders = {1: original.write(landing)}
    night = run_night(warehouse, Selection(branch))
    night.require_every_branch()
    if {outcome.verdict for outcome in night.outcomes} != {"published"}:
        raise SystemExit(f"{branch}: the original is not published: {[outcome.line for outcome in night.outcomes]}")
    done = {}
    for number in range(2, count + 2):
        original.revision, original.supersedes = number, "0" * 64
        folders[number] = original.write(landing)
        done[number] = mutate(folders[number], random.Random(f"{seed} {share_no} {branch} {number}"))
    with _sparing(warehouse, branch, share.validated):
        night = run_night(warehouse, Selection(branch))
    night.require_every_branch()
    seen = {outcome.revision: outcome for outcome in night.outcomes if outcome.business_date == DATE}
    with warehouse.connect("admin") as connection:
        told = _verdicts(connection, branch)
        known = _facts(connection, branch)
        rows = read_rows(connection, known[1][0])
        share.wrong += _broken(connection, branch)
        if _visible_rows(connection, branch) != rows:
            share.wrong.append(f"branch {branch}: readers do not see the original's rows")
        for number, what in done.items():
            # The ledger's word: what a night has judged it may see again, and then it calls it a duplicate.
            # Of what waits the ledger says nothing.
            verdict, reason = told.get(number, (seen[number].verdict, seen[number].reason))
            where = f"branch {branch} share {share_no} revision {number} ({what}): {verdict}"
            if number not in told and (verdict != "waiting" or seen[number].findings[0]["rule"] != "byte-count"):
                share.wrong.append(f"{where}, but the ledger says nothing: {reason}")
            elif verdict in PUBLISHED and read_rows(connection, known[number][0]) != rows:
                share.wrong.append(f"{where} with other rows")
            elif verdict in PUBLISHED and known[number][1:] != known[1][1:]:
                share.restated.append(where)
            elif verdict == "duplicate":
                repeated = folders[int(REPEATED.match(reason)[1])]  # type: ignore[index]
                if read_content(folders[number]) != read_content(repeated):
                    share.wrong.append(f"{where} of {repeated.name} with other content")
                elif _read_by_the_door(folders[number]) != _read_by_the_door(folders[1]):
                    verdict = READ_OTHERWISE
            share.counts[what.split(":")[0], verdict] += 1
    return share


@contextmanager
def _sparing(warehouse: Warehouse, branch: str, validated: Counter[str]) -> Iterator[None]:
    """Spare Great Expectations as the module says; `validated` counts by reason."""
    whole_validation = expectations.validate
    reasons: dict[int, Future[str | None]] = {}  # found by the rules, which run beside validation: it waits for them
    with warehouse.connect("admin") as connection:
        original, before = _facts(connection, branch)[1], _facts(connection, branch, FIRST_DATE)[1]
        rows = read_rows(connection, original[0])

    def judge(connection: Connection, delivery_id: int, unreadable: list[str], proven: list[str]) -> None:
        reason = reasons.setdefault(delivery_id, Future())
        try:
            find_dataset_violations(connection, delivery_id, unreadable, proven)
            reason.set_result(find_reason(connection, delivery_id))
        except Exception as error:
            reason.set_exception(error)
            raise

    def find_reason(connection: Connection, delivery_id: int) -> str | None:
        if count_findings(connection, delivery_id, None).errors:
            return "held already"
        is_close_known = connection.execute(
            "select count(distinct (branch_code, business_date, previous_business_date, cob_completed_at)) = 1 "
            "and min(previous_business_date) = %s from meta.deliveries where delivery_id in (%s, %s)",
            [FIRST_DATE, original[0], delivery_id],
        ).fetchone() == (True,)
        if is_close_known and read_rows(connection, delivery_id) == rows:
            return "the original's rows"
        if is_close_known:
            with connection.transaction(force_rollback=True):
                if measure_opening(connection, delivery_id, [before[0]]).errors:
                    return "held by the roll-forward"
        return None

    def validate(url: str, delivery_id: int, **options: Any) -> Report:
        try:
            reason = reasons.setdefault(delivery_id, Future()).result()
        finally:
            del reasons[delivery_id]
        if reason and delivery_id % ALL_THE_SAME:
            validated[f"spared: {reason}"] += 1
            return Report(no_findings(), {}, None)
        validated[f"validated all the same: {reason}" if reason else "validated"] += 1
        return whole_validation(url, delivery_id, **options)

    with (
        mock.patch.object(intake, "find_dataset_violations", judge),
        mock.patch.object(expectations, "validate", validate),
    ):
        yield


def read_rows(connection: Connection, delivery_id: int) -> Rows:
    """Return, by table, how many rows of a delivery are loaded and the hash of all their values in any order."""
    sources = []
    for dataset in load_datasets().values():
        if dataset.is_large:
            sources.append((f"raw.{dataset.name}", f"raw.{dataset.name}_d{delivery_id:d}"))
        else:
            sources.append((f"raw.{dataset.name}", f"raw.{dataset.name}_rows"))
        if dataset.pii_columns:
            sources.append((f"personal.{dataset.name}", f"personal.{dataset.name}_d{delivery_id:d}"))
    return _hash_rows(connection, sources, f"r.delivery_id = {delivery_id:d}")


def _visible_rows(connection: Connection, branch: str) -> Rows:
    names = [f"raw.{name}" for name in load_datasets()] + ["personal.customers"]
    where = f"r.branch_code = '{branch}' and r.business_date = '{DATE}'"
    return _hash_rows(connection, [(name, name) for name in names], where)


def _hash_rows(connection: Connection, sources: list[tuple[str, str]], where: str) -> Rows:
    query = " union all ".join(
        f"select '{name}', count(*), sum(hashtextextended((to_jsonb(r) - 'delivery_id' - 'row_no')::text, 0)::numeric) "
        f"from {source} as r where {where}"
        for name, source in sources
    )
    return {name: (count, values) for name, count, values in connection.execute(query)}


def _facts(connection: Connection, branch: str, date: str = DATE) -> dict[int, tuple[Any, ...]]:
    """By revision: the delivery's number, and what of the content is said by the manifest alone."""
    cursor = connection.execute(
        "select revision, delivery_id, previous_business_date, working_day, descriptor -> 'offices' from meta.deliveries "
        "where branch_code = %s and business_date = %s order by delivery_id",
        [branch, date],
    )
    return {
        revision: (number, previous, working, _offices(offices))
        for revision, number, previous, working, offices in cursor
    }


def _offices(offices: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return sorted((office["officeCode"], office["status"], office.get("reason") or "") for office in offices)


def _verdicts(connection: Connection, branch: str) -> dict[int, tuple[str, str]]:
    """By revision the last verdict with its reason, a publication before any other."""
    cursor = connection.execute(
        "select distinct on (revision) revision, verdict, reason from meta.ledger where branch_code = %s "
        "and business_date = %s order by revision, verdict <> all(%s), entry_no desc",
        [branch, DATE, list(PUBLISHED)],
    )
    return {revision: (verdict, reason) for revision, verdict, reason in cursor}


def _broken(connection: Connection, branch: str) -> list[str]:
    """What the door held because a step of its own failed: for a night that is a hold, here it is a crash."""
    cursor = connection.execute(
        """
        select d.revision, i.could_not_run from meta.intakes as i
        inner join meta.deliveries as d on d.delivery_id = i.delivery_id
        where d.branch_code = %(branch)s and i.could_not_run is not null
        union all
        select revision, reason from meta.ledger where branch_code = %(branch)s and reason like 'It could not be measured%%'
        """,
        {"branch": branch},
    )
    return [f"branch {branch} revision {revision}: a step failed: {why}" for revision, why in cursor]


def read_content(folder: Path) -> tuple[Any, ...]:
    """Return what the contract's section 1 calls content, read from a folder without the door's code."""
    manifest = json.loads((folder / PLACE).read_text())
    files = {resource["name"]: _uncompressed(folder, resource) for resource in manifest["resources"]}
    return (
        *(manifest[name] for name in ("branchCode", "businessDate", "previousBusinessDate", "workingDay")),
        _offices(manifest["offices"]),
        {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    )


def _uncompressed(folder: Path, resource: dict[str, Any]) -> bytes:
    """The bytes of a file without its compression; of a damaged archive, as it is."""
    stored: bytes = (folder / resource["path"]).read_bytes()
    if resource.get("compression") == "gz":
        with suppress(OSError, EOFError, zlib.error):
            return gzip.decompress(stored)
    return stored


def _read_by_the_door(folder: Path) -> dict[str, Any]:
    """By dataset the rows, as text in any order, that the door's reader reads, and the rules of what it finds."""
    manifest = json.loads((folder / PLACE).read_text())
    found = {}
    for resource in manifest["resources"]:
        form = {name: resource[name] for name in ("format", "encoding", "dialect") if name in resource}
        stream = io.BytesIO(_uncompressed(folder, resource))
        blocks = list(read_blocks(stream, load_datasets()[resource["name"]], **form))
        rows = sorted(str(row) for block in blocks for row in block.table.to_pylist())
        found[resource["name"]] = (
            rows,
            sorted(rule for block in blocks for rule in block.findings["rule"].to_pylist()),
        )
    return found
