"""dbt's connections to PostgreSQL: kept from node to node, and a lost one costs no more than the node that it served."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from dbt.adapters.postgres.connections import PostgresConnectionManager, PostgresCredentials
from dbt_common.exceptions import DbtDatabaseError

from pipeline import transform
from pipeline.build import build, open_build, run_areas
from pipeline.transform import AREAS, CandidatesError
from tests.dbt_project.publishing import publish
from tests.dbt_project.variety import varied
from warehouse.connect import Warehouse

DBT = "from pg_stat_activity where datname = current_database() and application_name = 'warehouse dbt'"


def test_a_build_opens_a_few_connections_and_leaves_none(marts: Warehouse) -> None:
    publish(marts, varied("58", "2023-12-31", 1))
    nodes, seen = [], set()

    def look(line: str) -> None:
        nodes.append(line)
        with marts.connect("admin") as connection:
            seen.update(connection.execute(f"select pid {DBT}"))

    with marts.connect("transformer", autocommit=True):
        assert build(marts, progress=look).changed
    assert len(nodes) > 80
    # One for each of dbt's two threads and of the two in which it looks for schemas and relations, and its own.
    assert 2 <= len(seen) <= 5
    with marts.connect("admin") as connection:
        assert connection.execute(f"select pid {DBT}").fetchall() == []


def test_a_lost_connection_fails_the_node_that_it_served_and_not_those_after_it(marts: Warehouse) -> None:
    publish(marts, varied("89", "2024-06-01", 9))
    finished: list[str] = []

    def lose(line: str) -> None:
        finished.append(line)
        if len(finished) == 3:
            with marts.connect("admin") as connection:
                connection.execute(f"select pg_terminate_backend(pid) {DBT}")

    build_id = open_build(marts)
    assert build_id is not None
    with pytest.raises(CandidatesError) as failure:
        run_areas(marts, build_id, AREAS, lose)
    failed = [line for line in finished if " ERROR " in line]
    assert 1 <= len(failed) <= 2, failure.value.problem
    assert len([line for line in finished[3:] if " OK " in line]) > 10
    assert build(marts).changed


def test_a_node_that_fails_outside_of_a_transaction_of_dbts_leaves_none_to_the_next(marts: Warehouse) -> None:
    """psycopg2 begins one by itself, of which dbt does not know: what follows in it would fail as well."""
    transform.parse_project(marts)
    url = urlsplit(marts.url("transformer"))
    credentials = PostgresCredentials(
        host=url.hostname, port=url.port, user=url.username, password=url.password, database=url.path[1:], schema="staging"
    )
    manager = PostgresConnectionManager(SimpleNamespace(credentials=credentials), multiprocessing.get_context("spawn"))

    def work() -> tuple[int, int]:
        manager.set_connection_name("fails")
        with pytest.raises(DbtDatabaseError, match="division by zero"):
            manager.add_query("select 1 / 0", auto_begin=False)
        before = manager.get_thread_connection().handle.info.backend_pid
        manager.release()
        manager.set_connection_name("follows")
        _, cursor = manager.add_query("select pg_backend_pid()", auto_begin=False)
        return before, cursor.fetchone()[0]

    with ThreadPoolExecutor(1) as worker:
        before, after = worker.submit(work).result()
    manager.cleanup_all()
    assert after == before
