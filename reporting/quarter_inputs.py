"""What a quarter is made from: the deliveries that the marts show, reference data, code; and how complete it is."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
from dataclasses import dataclass
from typing import Any

from psycopg.rows import dict_row

from reporting.quarter import Quarter, QuarterError
from warehouse.connect import Connection
from warehouse.settings import PROJECT

CODE = (
    ("contract", ("*.py", "*.yaml")),
    ("ingestion", ("*.py", "*.sql")),
    ("warehouse/ddl", ("*.sql",)),
    ("dbt_project/macros", ("*.sql",)),
    ("dbt_project/models", ("*.sql", "*.yml")),
)
"""What decides which figures come out of given bytes; a change of any of these files is another code version."""
CODE_FILES = ("dbt_project/dbt_project.yml", "warehouse/schema.py", "reporting/quarter_tables.py")


@dataclass(frozen=True)
class Build:
    """The marts as they stand: the newest build shown to readers and the ledger entry up to which it saw."""

    build_id: int
    ledger_entry_no: int
    calculation_version: str


@functools.cache
def code_version() -> str:
    """Return the SHA-256 of the code that turns delivered bytes into frozen rows."""
    files = [PROJECT / name for name in CODE_FILES]
    for folder, patterns in CODE:
        files += [file for pattern in patterns for file in (PROJECT / folder).rglob(pattern)]
    digest = hashlib.sha256()
    for file in sorted(set(files)):
        digest.update(
            f"{file.relative_to(PROJECT).as_posix()}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode()
        )
    return digest.hexdigest()


def require_whole_build(connection: Connection) -> Build:
    """Return the build that the marts show; raise QuarterError while nothing is built or a build is only begun."""
    row = connection.execute(
        "select build_id, ledger_entry_no, calculation_version, is_last from meta.builds where flipped_at is not null "
        "order by build_id desc limit 1"
    ).fetchone()
    if row is None or not row[3]:
        problem = "The marts are built in part only" if row else "The marts have never been built"
        raise QuarterError(problem, remedy="Run `python -m pipeline build`, then freeze again.")
    return Build(row[0], row[1], row[2])


def read_inputs_of(connection: Connection, quarter: Quarter, build: Build) -> dict[str, Any]:
    """Return what the frozen rows of a quarter derive from, as the log keeps it.

    `deliveries` (dates as text), `reference` (SHA-256 by file), `code`, and the build that was read.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        deliveries = cursor.execute(
            "select d.*, d.branch_valid_from::text, d.business_date::text from quarters.input_deliveries(%s, %s) as d "
            "order by d.business_date, d.branch_code, d.delivery_id",
            [quarter.code, build.ledger_entry_no],
        ).fetchall()
    files = connection.execute("select file_name, sha256 from meta.reference_versions order by file_name")
    reference: dict[str, str] = dict(files.fetchall())
    return {
        "build_id": build.build_id,
        "ledger_entry_no": build.ledger_entry_no,
        "calculation_version": build.calculation_version,
        "deliveries": deliveries,
        "reference": reference,
        "code": {"version": code_version(), **_versions(connection)},
    }


def _versions(connection: Connection) -> dict[str, str]:
    server = connection.info.server_version
    return {"dbt": importlib.metadata.version("dbt-core"), "postgresql": f"{server // 10000}.{server % 10000}"}


@dataclass(frozen=True)
class Completeness:
    """The branches that should have delivered the quarter's last day: all, those missing, those provisional."""

    expected: list[str]
    missing: list[str]
    provisional: list[str]

    @property
    def sentence(self) -> str:
        """Such as `33 of 34 branches are published; missing: 95; provisional: none.`"""
        published = len(self.expected) - len(self.missing)
        parts = [f"{published} of {len(self.expected)} branches are published"]
        parts += [
            f"{name}: {', '.join(codes) or 'none'}"
            for name, codes in (("missing", self.missing), ("provisional", self.provisional))
        ]
        return "; ".join(parts) + "."

    def as_json(self) -> dict[str, Any]:
        """Return what the log keeps."""
        return {"expected": self.expected, "missing": self.missing, "provisional": self.provisional}


def read_completeness(connection: Connection, quarter: Quarter, build: Build) -> Completeness:
    """Return how complete the quarter's last day is in what the marts show.

    Raises QuarterError when no branch has published it: there is nothing to freeze.
    """
    rows = connection.execute(
        """
        select b.branch_code, v.delivery_id is not null, coalesce(v.is_provisional, false)
        from meta.branches as b
        left join meta.visible_deliveries_at(%(entry)s) as v
            on v.branch_code = b.branch_code and v.branch_valid_from = b.valid_from and v.business_date = %(day)s
        where %(day)s between b.valid_from and coalesce(b.valid_to, 'infinity')
        order by b.branch_code
        """,
        {"day": quarter.last_on, "entry": build.ledger_entry_no},
    ).fetchall()
    found = Completeness(
        expected=[code for code, _, _ in rows],
        missing=[code for code, is_published, _ in rows if not is_published],
        provisional=[code for code, _, is_provisional in rows if is_provisional],
    )
    if len(found.missing) == len(found.expected):
        raise QuarterError(
            f"No branch has published {quarter.last_on}, the last day of {quarter.code}",
            remedy="Freeze the quarter when its last day has been delivered (`python -m pipeline status`).",
        )
    return found
