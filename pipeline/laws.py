"""The laws of the warehouse as checks that anyone can run on a live one: they read, in one snapshot, and change nothing.

`check_laws` answers for laws 1-6, 8-10 and 12 (spec: laws); law 7 is `python -m pipeline quarter verify`. What is still on its way, such as a delivery that is loaded and
not judged, breaks none. Most checks are one query in `law_sql/` that returns a line for each thing checked, with the
problem in words or null.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from contract.model import load_datasets
from ingestion.claims import Claim, read_claims
from ingestion.descriptor import RefusalError, parse_descriptor
from ingestion.publish import find_changes
from ingestion.rules import Counts
from ingestion.store import Store
from ingestion.succession import read_succession
from pipeline import law_erasure, law_quarters
from pipeline.law_totals import Declared, Seen, read_declared, read_seen
from warehouse.connect import Connection, Warehouse

SQL_FOLDER = Path(__file__).parent / "law_sql"
TITLES = {
    1: "Replay: deciding again on what is on record turns nothing",
    2: "Conservation: delivered rows and đồng are published rows and đồng, from the manifest to the mart",
    3: "Whole or nothing: one published revision of a branch and date across all datasets and marts",
    4: "One current revision; superseded deliveries and all bytes stay on record",
    5: "The ledger only grows, is hash-chained, and every change of state has exactly one entry",
    6: "A published quarter never changes: its frozen rows have the checksum that was approved, and their guards are on",
    8: "Succession moves no money: totals are equal on the reported and on the current territory",
    9: "Roll-forward: opening + flows = closing, to the đồng, wherever not provisional",
    10: "Fail closed, and alone: nothing visible has an error or an unanswered check",
    12: "Erasure: whoever is erased is in no row and in no stored file",
}

Lines = Iterator[tuple[str, str | None]]


@dataclass
class LawResult:
    """How many things a law was checked on, and each violation in one sentence."""

    number: int
    checked: int = 0
    violations: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        return TITLES[self.number]

    @property
    def holds(self) -> bool:
        return not self.violations

    @property
    def text(self) -> str:
        """The law, how it stands, and every violation on a line of its own."""
        state = "holds" if self.holds else f"BROKEN {len(self.violations)} times"
        head = f"Law {self.number:<2} {state}, {self.checked} checked. {self.title}"
        return "\n".join([head, *(f"    {violation}" for violation in self.violations)])

    def take(self, lines: Iterable[tuple[str, str | None]]) -> None:
        """Count the lines and keep the problems among them."""
        for thing, problem in lines:
            self.checked += 1
            if problem:
                self.violations.append(f"{thing}: {problem}.")

    def as_json(self) -> dict[str, Any]:
        """Return what `laws --json` prints."""
        return {
            "law": self.number, "title": self.title, "holds": self.holds, "checked": self.checked,
            "violations": self.violations,
        }  # fmt: skip


def check_laws(warehouse: Warehouse) -> list[LawResult]:
    """Check every law in one snapshot that nothing else can change. A check that cannot run breaks its law."""
    with warehouse.connect("admin") as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        _keep_rows(connection)
        results = check_snapshot(connection, Store(warehouse.settings.store))
        connection.rollback()
        return results


def check_snapshot(connection: Connection, store: Store) -> list[LawResult]:
    """Check every law on what `connection` sees in its open transaction."""
    results = {number: LawResult(number) for number in TITLES}
    for number, check in _Look(connection, store).checks():
        try:
            with connection.transaction():
                results[number].take(check())
        except Exception as error:
            name = getattr(check, "__name__", "a check").strip("_").replace("_", " ")
            results[number].take([(f"{name} could not run", f"{type(error).__name__}: {error}".splitlines()[0])])
    return list(results.values())


def _keep_rows(connection: Connection) -> None:
    """Keep housekeeping from dropping rows that the snapshot still shows; must come before the first query."""
    tables = [sql.Identifier("raw", f"{dataset.name}_rows") for dataset in load_datasets().values() if dataset.is_large]
    connection.execute(sql.SQL("lock table {} in access share mode").format(sql.SQL(", ").join(tables)))


class _Look:
    """One look at a warehouse: every check as a method that yields a line for each thing checked."""

    def __init__(self, connection: Connection, store: Store) -> None:
        self.connection, self.store = connection, store

    def checks(self) -> list[tuple[int, Callable[[], Lines]]]:
        return [
            (1, self.decisions),
            (2, self.rows_and_sums), (2, self.manifests), (2, self.mart_sums),
            (3, self.tags), (3, self.mart_units), (3, self.mart_rows),
            (4, lambda: self.ask("one_current_revision")), (4, lambda: self.ask("one_content_a_number")), (4, self.bytes),
            (5, lambda: self.ask("ledger_chain")), (5, lambda: self.ask("ledger_guards")), (5, lambda: self.ask("ledger_entries")),
            (6, lambda: law_quarters.published_quarters(self.connection)), (6, lambda: law_quarters.quarter_guards(self.connection)),
            (8, lambda: law_quarters.territories(self.connection)),
            (9, self.roll_forward),
            (10, lambda: self.ask("visible_results")), (10, lambda: self.ask("entries_alone")),
            (12, lambda: law_erasure.erased_rows(self.connection)),
            (12, lambda: law_erasure.erased_files(self.connection, self.store)),
        ]  # fmt: skip

    def ask(self, query_name: str, **parts: sql.Composable) -> Lines:
        query = sql.SQL(_read(query_name))
        yield from self.connection.execute(query.format(**parts) if parts else query).fetchall()

    @functools.cached_property
    def seen(self) -> dict[tuple[str, int], Seen]:
        return read_seen(self.connection)

    @functools.cached_property
    def declared(self) -> dict[tuple[str, int], Declared]:
        return read_declared(self.connection)

    def decisions(self) -> Lines:
        """Law 1: decide again, with the measurements on record, and look for anything that would turn."""
        succession = read_succession(self.connection)
        judged = self.connection.execute(
            "select distinct branch_code, branch_valid_from from meta.deliveries"
        ).fetchall()
        for head in sorted({succession.today((code, start)) for code, start in judged}):
            family = succession.family(head)
            claims = [claim for claim in map(_settle, read_claims(self.connection, family)) if claim is not None]
            changes, _ = find_changes(self.connection, succession, family, claims, _not_on_record)
            turned = {change.claim.delivery_id: change for change in changes}
            for claim in claims:
                change = turned.get(claim.delivery_id)
                yield (
                    f"branch {claim.key[0]} on {claim.business_date}, delivery {claim.delivery_id}",
                    f"the ledger says {claim.last_verdict}, deciding again says {change.judgement.verdict} "
                    f"({change.judgement.reason.rstrip('.')})" if change else None,
                )  # fmt: skip

    def rows_and_sums(self) -> Lines:
        """Law 2: what readers see of each visible delivery and dataset against what its manifest declares."""
        for (dataset, delivery_id), declared in self.declared.items():
            seen = self.seen.get((dataset, delivery_id), Seen())
            if declared.is_retired and not seen.rows:
                continue
            yield f"delivery {delivery_id}, {dataset}", seen.differs_from(declared)

    def manifests(self) -> Lines:
        """Law 2: the figures on record against the stored manifest."""
        cursor = self.connection.execute(
            "select d.delivery_id, d.descriptor_sha256 from meta.visible_deliveries as v inner join meta.deliveries as d using (delivery_id)"
        )
        for delivery_id, sha256 in cursor.fetchall():
            problem = None
            try:
                for resource in parse_descriptor(self.store.path(sha256).read_bytes()).resources:
                    known = self.declared.get((resource.dataset, delivery_id))
                    said = (resource.row_count, resource.control_totals, resource.key_checksum)
                    if known and said != (known.rows, known.totals, known.key_checksum):
                        problem = (
                            f"the stored manifest declares other figures for {resource.dataset} than are on record"
                        )
            except (OSError, RefusalError) as error:
                problem = f"its stored manifest cannot be read: {error}"
            yield f"delivery {delivery_id}", problem

    def mart_sums(self) -> Lines:
        if self._has("marts.mart_loan_balances") and self._has("marts.mart_capital_sources"):
            yield from self.ask("mart_sums")

    def tags(self) -> Lines:
        """Law 3: readers see rows of visible deliveries, and of what a running build reads, under their own branch and date."""
        cursor = self.connection.execute(
            "select d.delivery_id, d.branch_code, d.business_date from meta.readable_deliveries as r "
            "inner join meta.deliveries as d using (delivery_id)"
        )
        readable = {row[0]: (row[1], row[2]) for row in cursor}
        for (dataset, delivery_id), seen in self.seen.items():
            place = readable.get(delivery_id)
            problem = None
            if place is None:
                problem = "readers see its rows, but it is not what the ledger shows"
            elif seen.rows and seen.places != {place}:
                problem = "readers see its rows under another branch or date"
            yield f"delivery {delivery_id}, {dataset}", problem

    def mart_units(self) -> Lines:
        if self._has("meta.current_units"):
            yield from self.ask("mart_units")
            yield from self.ask("mart_units_lacking")

    def mart_rows(self) -> Lines:
        """Law 3: each mart's view against the rows of the current builds."""
        marts = self.connection.execute(
            "select table_name, part, branch_column, date_column from meta.built_tables where schema_name = 'mart_builds'"
        ).fetchall()
        for table, part, branch_column, date_column in marts:
            yield from self.ask(
                "mart_rows",
                name=sql.Literal(table),
                part=sql.Literal(part),
                table=sql.Identifier("mart_builds", table),
                view=sql.Identifier("marts", table),
                built_branch=sql.Identifier("r", branch_column) if branch_column else sql.SQL("'*'"),
                built_date=sql.Identifier("r", date_column) if date_column else sql.SQL("'infinity'::date"),
            )

    def bytes(self) -> Lines:
        """Law 4: the store holds every file that was ever kept, unchanged, superseded and refused ones too."""
        cursor = self.connection.execute(
            """
            select descriptor_sha256 from meta.deliveries
            union
            select stored_sha256 from meta.delivery_files
            union
            select k.value from meta.ledger as l cross join lateral jsonb_each_text(l.detail -> 'kept') as k
            """
        )
        hashes = sorted(row[0] for row in cursor)
        with ThreadPoolExecutor(2) as pool:
            for sha256, holds in zip(hashes, pool.map(self.store.holds, hashes), strict=True):
                yield f"stored file {sha256}", None if holds else "the store has lost it, or its bytes have changed"

    def roll_forward(self) -> Lines:
        """Law 9: measured again, delivery by delivery, from the rows themselves."""
        openings = self.connection.execute(_read("openings")).fetchall()
        for delivery_id, opening in openings:
            found = list(self.ask(
                "roll_forward",
                delivery=sql.Literal(delivery_id),
                opening=sql.SQL(", ").join(map(sql.Literal, opening)),
            ))  # fmt: skip
            yield from found or [(f"delivery {delivery_id}", None)]

    def _has(self, name: str) -> bool:
        row = self.connection.execute("select to_regclass(%s) is not null", [name]).fetchone()
        return bool(row and row[0])


def _settle(claim: Claim) -> Claim | None:
    """The claim as the ledger knows it: left out where it knows nothing yet, held where a check was mended since."""
    if claim.last_verdict is None:
        return None
    return claim if claim.is_weighed else replace(claim, intake=Counts(1, 0), is_weighed=True)


def _not_on_record(_: Connection, delivery_id: int, opening: list[int]) -> Counts:
    raise LookupError(f"no measurement of delivery {delivery_id} against {opening} is on record")


@functools.cache
def _read(name: str) -> Any:
    return (SQL_FOLDER / f"{name}.sql").read_text()
