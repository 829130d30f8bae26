"""The door as tests use it: a landing, nights, and what a reader sees, on a database of the test's own."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from contract.model import load_datasets
from pipeline.branch import Selection
from pipeline.night import run_night
from pipeline.outcomes import Outcome
from tests.support.deliveries import Delivery
from warehouse.connect import Warehouse

Place = tuple[str, str, int | None]
Found = tuple[str, str, int | None, str | None]
"""What is compared of a finding: rule, dataset, row, column."""


@dataclass
class Door:
    """One warehouse with its landing. `outcomes` holds the last word on each place (branch, date, revision)."""

    warehouse: Warehouse

    @property
    def landing(self) -> Path:
        return Path(self.warehouse.settings.landing)

    def send(self, delivery: Delivery) -> Path:
        """Write a delivery into the landing, as a branch does."""
        return delivery.write(self.landing)

    def night(self, branch: str | None = None) -> dict[Place, Outcome]:
        """Run one night over everything that lies in the landing, or over one branch's part of it."""
        night = run_night(self.warehouse, Selection(branch))
        night.require_every_branch()
        return {(outcome.branch_code, outcome.business_date, outcome.revision): outcome for outcome in night.outcomes}

    def verdict(self, delivery: Delivery) -> str:
        """Send a delivery, run a night and return the verdict on it."""
        self.send(delivery)
        return self.night()[place(delivery)].verdict

    def visible(self) -> dict[str, Any]:
        """What a reader sees: for each branch, date and dataset, how many rows and the hash of all their values."""
        seen: dict[str, Any] = {}
        with self.warehouse.connect("admin") as connection:
            for schema, name in [*(("raw", name) for name in load_datasets()), ("personal", "customers")]:
                cursor = connection.execute(
                    f"select branch_code, business_date::text, count(*), sum(hashtextextended((to_jsonb(t) - 'delivery_id')::text, 0)) "
                    f"from {schema}.{name} as t group by 1, 2"
                )
                seen |= {f"{branch} {date} {schema}.{name}": (rows, values) for branch, date, rows, values in cursor}
        return seen

    def revision(self, branch: str, date: str) -> int | None:
        """The visible revision of a branch and date, None where nothing is."""
        with self.warehouse.connect("admin") as connection:
            row = connection.execute(
                "select revision from meta.visible_deliveries where branch_code = %s and business_date = %s",
                [branch, date],
            ).fetchone()
        return row[0] if row else None


def place(delivery: Delivery) -> Place:
    return (delivery.branch, delivery.date, delivery.revision)


def found(outcome: Outcome) -> Counter[Found]:
    """The findings of an outcome as they are compared."""
    return Counter((f["rule"], f["dataset"], f["row"], f["column"]) for f in outcome.findings)


def descriptor_sha256(folder: Path) -> str:
    return hashlib.sha256((folder / "datapackage.json").read_bytes()).hexdigest()


def fresh_warehouse(template: Warehouse, name: str, home: Path) -> Warehouse:
    """A new, empty warehouse: a copy of the database of `template` on the same server, with folders of its own."""
    source = urlsplit(template.admin_url).path.lstrip("/")
    parts = urlsplit(template.admin_url)
    keeper = dataclasses.replace(template, admin_url=urlunsplit(parts._replace(path="/postgres")))
    with keeper.connect("admin", autocommit=True) as connection:
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [source])
        connection.execute(f"create database {name} template {source}")
    settings = dataclasses.replace(
        template.settings, home=home, landing=str(home / "landing"), store=home / "store", outbox=home / "outbox"
    )
    return Warehouse(settings, urlunsplit(parts._replace(path=f"/{name}")))
