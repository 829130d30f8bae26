"""Where a person is found after a night with a good and a faulty delivery: where she may be, and nowhere else.

The table that this prints stands in docs/security.md; logs and XCom of a real Airflow are in tests/dags/test_celery.py.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.model import load_datasets
from tests.security.canaries import (
    GOOD,
    SHIFTED,
    Found,
    deliver_faulty,
    deliver_good,
    deliver_shifted,
    search_database,
    search_files,
)
from tests.support.deliveries import first_delivery, repay, to_csv
from tests.support.reading import read
from warehouse.connect import Warehouse, open_warehouse
from warehouse.server import EmbeddedServer
from warehouse.settings import PROJECT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
MAY_HOLD = {"landing", "store", "schema personal", "statistics of personal"}
"""Where personal values belong (docs/security.md says who may look there)."""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A warehouse after its night, its status, a look at the faulty delivery by its branch, its quarter and a backup."""
    home = tmp_path_factory.mktemp("canaries")
    found = open_warehouse(home)
    landing = Path(found.settings.landing)
    good = deliver_good(first_delivery("96", "2025-07-01"))
    good.write(landing)
    repay(good.next("2025-09-30"), 1, 3_000_000).write(landing)
    faulty = deliver_faulty(first_delivery("58", "2024-03-30")).write(landing)
    try:
        run(home, "night")
        run(home, "status")
        run(home, "check", str(faulty))
        run(home, "laws")
        run(home, "quarter", "freeze", "2025Q3", "--by", "lan")
        run(home, "quarter", "approve", "2025Q3", "--by", "minh")
        run(home, "quarter", "publish", "2025Q3", "--by", "minh")
        run(home, "report", "2025Q3", "--branch", "96", "--out", str(home / "reports"))
        run(home, "backup")
        yield found
    finally:
        EmbeddedServer(home).destroy()


def run(home: Path, *arguments: str) -> None:
    """Run a command and keep what it says in `home/said`, as cron would."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WAREHOUSE")}
    with (home / "said").open("ab") as said:
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", *arguments], cwd=PROJECT, stdout=said, stderr=said, check=False,
            env={**environment, "WAREHOUSE_HOME": str(home)},
        )  # fmt: skip
    assert done.returncode in (0, 1), (home / "said").read_text()[-3000:]


@pytest.fixture(scope="module")
def places(warehouse: Warehouse) -> dict[str, Found]:
    """Every place, with what was found."""
    home, settings = warehouse.settings.home, warehouse.settings
    known = [
        Path(settings.landing),
        settings.store,
        settings.outbox,
        home / "backups",
        home / "dbt",
        home / "pgdata",
        home / "reports",
    ]
    data = EmbeddedServer(home).data
    found = {
        "landing": search_files([Path(settings.landing)]),
        "store": search_files([settings.store]),
        "feedback (outbox)": search_files([settings.outbox]),
        "what commands say": search_files([home / "said"]),
        "dbt artefacts and logs": search_files([home / "dbt"]),
        "PostgreSQL's log": search_files([data / "log", data / "startup.log"]),
        "backups": search_files([home / "backups"]),
        "board reports": search_files([home / "reports"]),
        "Data Docs, pages and everything else in the home": search_files(
            path for path in home.iterdir() if path not in (*known, home / "said")
        ),
    }
    for schema, rows in search_database(warehouse.url("admin")).items():
        found[schema if schema.startswith("statistics") else f"schema {schema}"] = rows
    return found


def test_a_person_is_found_where_she_may_be_and_nowhere_else(places: dict[str, Found]) -> None:
    print()
    for place, found in sorted(places.items()):
        print(f"| {place} | {found.searched} | {len(found.hits)} |")
    leaks = {place: found.hits for place, found in places.items() if found.hits and place not in MAY_HOLD}
    assert leaks == {}


def test_the_search_finds_what_is_there(places: dict[str, Found]) -> None:
    """Were it blind, it would find nobody anywhere."""
    for place in ("landing", "store", "schema personal"):
        assert places[place].hits, place
    for place in ("schema raw", "schema marts", "schema mart_builds", "schema meta", "feedback (outbox)", "backups"):
        assert places[place].searched, place
    assert places["board reports"].searched == 6
    assert places["schema meta"].searched > 10
    assert places["Data Docs, pages and everything else in the home"].searched > 10


def test_a_planted_leak_is_found(warehouse: Warehouse, tmp_path: Path) -> None:
    with warehouse.connect("admin") as connection:
        connection.execute("create table meta.planted as select national_id from personal.customers_rows")
        connection.commit()
        try:
            assert search_database(warehouse.url("admin"))["meta"].hits == ["meta.planted"]
        finally:
            connection.execute("drop table meta.planted")
    for name, content in {
        "escaped.json": json.dumps({"value": GOOD.full_name}).encode(),
        "packed.gz": gzip.compress(GOOD.phone.encode()),
        "plain.html": f"<td>{GOOD.birth_date}</td>".encode(),
        "nobody.html": b"<td>***</td>",
    }.items():
        (tmp_path / name).write_bytes(content)
    assert search_files([tmp_path]).hits == ["escaped.json", "packed.gz", "plain.html"]


def test_a_row_that_has_slipped_by_a_column_shows_nobody() -> None:
    rows = deliver_shifted(first_delivery("04", "2024-03-30")).rows["customers"]
    findings = read(to_csv("customers", rows), load_datasets()["customers"]).findings
    assert findings
    quoted = {str(finding["value"]) for finding in findings}
    assert not quoted & set(SHIFTED.words)
