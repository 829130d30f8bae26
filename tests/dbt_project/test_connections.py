"""dbt's connections to PostgreSQL: kept from node to node, and a lost one costs no more than the node that it served."""

from __future__ import annotations

import pytest

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
