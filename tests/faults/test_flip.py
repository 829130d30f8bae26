"""The marts' flip × exception, SIGKILL, hang, lost reply: a reader sees all marts as before, or all as after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg import sql

from pipeline.build import build, flip, open_build, run_areas
from tests.faults.conftest import Scene, require_laws
from tests.faults.nights import failing
from tests.faults.reader import ConstantReader
from tests.faults.test_crash_points import EXIT_CODES, MODES
from tests.faults.waiting import wait_until
from tests.faults.wire import Wire
from tests.support.warehouses import copy_warehouse, remove_warehouse, run_short_night, without_great_expectations
from warehouse.connect import Connection, Warehouse

Marts = tuple[tuple[str, str | None], ...]


def read_marts(connection: Connection) -> Marts:
    """A digest of what readers see of every mart, without what numbers a build or a time."""
    names = connection.execute(
        "select table_name from meta.built_tables where schema_name = 'mart_builds' order by 1"
    ).fetchall()
    digests = []
    for (name,) in names:
        statement = sql.SQL(
            "select md5(string_agg(line, ' ' order by line)) from (select (to_jsonb(m) - '{{arrived_at,published_at}}'::text[])::text as line from {} as m) as lines"
        )
        row = connection.execute(statement.format(sql.Identifier("marts", name))).fetchone()
        assert row is not None
        digests.append((name, row[0]))
    return tuple(digests)


@dataclass(frozen=True)
class Built:
    """A warehouse whose next build is made and tested and has not flipped, and what readers see before and after."""

    model: Warehouse
    build_id: int
    before: Marts
    after: Marts


@pytest.fixture(scope="module")
def built(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    model = copy_warehouse(scene.model, tmp_path_factory.mktemp("built"))
    with model.connect("admin", autocommit=True) as connection:
        connection.execute(f"grant create on database {connection.info.dbname} to transformer")
        build(model)
        before = read_marts(connection)
        with without_great_expectations():
            run_short_night(model)
        build_id = open_build(model)
        assert build_id is not None
        run_areas(model, build_id)
        assert read_marts(connection) == before
    flipped = copy_warehouse(model, tmp_path_factory.mktemp("flipped"))
    flip(flipped, build_id)
    with flipped.connect("admin") as connection:
        after = read_marts(connection)
    assert after != before
    yield Built(model, build_id, before, after)
    remove_warehouse(flipped)
    remove_warehouse(model)


@pytest.fixture
def unflipped(built: Built, tmp_path: Path) -> Iterator[Warehouse]:
    copied = copy_warehouse(built.model, tmp_path / "home")
    yield copied
    remove_warehouse(copied)


SHOWN_AFTERWARDS = {
    ("before the marts flip", "lost reply"),
    *(("after the marts flip", mode) for mode in ("exception", "SIGKILL", "hang")),
}
CASES = [(point, mode) for point in ("before the marts flip", "after the marts flip") for mode in MODES]
# After the flip nothing more is committed whose answer could be lost.
CASES.remove(("after the marts flip", "lost reply"))


@pytest.mark.parametrize("case", CASES, ids=" - ".join)
def test_a_flip_that_fails_is_whole_or_nothing(
    built: Built, unflipped: Warehouse, tmp_path: Path, case: tuple[str, str]
) -> None:
    point, mode = case
    mark, shown = tmp_path / "reached", built.after if case in SHOWN_AFTERWARDS else built.before
    wire = Wire(unflipped.admin_url, mark, "reply to COMMIT")
    command = ("tests.faults.flip", str(built.build_id))
    url = wire.url if mode == "lost reply" else None
    with ConstantReader(unflipped, read_marts) as reader:
        with wire, failing(unflipped, f"{point}={MODES[mode]}", mark, url, command) as process:
            if mode == "hang":
                wait_until(mark.exists, lambda: process.poll() is not None)
                process.kill()
            assert process.wait(120) == EXIT_CODES[mode]
        assert wire.has_lost.is_set() == (mode == "lost reply")
        reader.wait_for(shown)
    assert reader.states() in ([shown], [built.before, shown])
    require_laws(unflipped)
    if case not in SHOWN_AFTERWARDS:
        flip(unflipped, built.build_id)
    with unflipped.connect("admin") as connection:
        assert read_marts(connection) == built.after
    require_laws(unflipped)


def test_after_a_killed_flip_the_next_night_builds_the_same_marts(
    built: Built, unflipped: Warehouse, tmp_path: Path
) -> None:
    command = ("tests.faults.flip", str(built.build_id))
    with failing(unflipped, "before the marts flip=kill", tmp_path / "reached", None, command) as process:
        process.wait(120)
    build(unflipped)
    with unflipped.connect("admin") as connection:
        assert read_marts(connection) == built.after
    require_laws(unflipped)
