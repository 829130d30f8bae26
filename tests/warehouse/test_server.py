"""The embedded server: private, beside others, and up again whatever happened to it."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from warehouse.connect import Warehouse, open_warehouse
from warehouse.server import EmbeddedServer

Start = Callable[[str], Warehouse]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Open warehouses in homes of this test's own; they are stopped at its end."""
    yield lambda name: open_warehouse(tmp_path / name)
    for home in tmp_path.iterdir():
        if (home / "password").exists():
            EmbeddedServer(home).destroy()


def setting(warehouse: Warehouse, name: str) -> str:
    with warehouse.connect("admin") as connection:
        row = connection.execute("select current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def test_the_server_is_private_and_its_pages_are_checked(start: Start) -> None:
    warehouse = start("one")
    password = warehouse.settings.home / "password"
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    assert setting(warehouse, "listen_addresses") == "127.0.0.1"
    assert setting(warehouse, "data_checksums") == "on"
    assert setting(warehouse, "password_encryption") == "scram-sha-256"
    with warehouse.connect("admin") as connection:
        row = connection.execute(
            "select datlocprovider, datlocale, pg_encoding_to_char(encoding) from pg_database where datname = current_database()"
        ).fetchone()
    assert row == ("b", "C.UTF-8", "UTF8")


def test_any_server_looks_whether_the_client_of_a_waiting_backend_lives(start: Start) -> None:
    warehouse = start("one")
    assert setting(warehouse, "client_connection_check_interval") == "10s"
    with psycopg.connect(warehouse.admin_url) as connection:
        of_the_server = connection.execute("show client_connection_check_interval").fetchone()
    assert of_the_server == ("0",), "each connection asks for it: a server that is not ours would not have it"


def test_options_of_the_address_are_kept_and_those_of_the_operator(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = start("one")
    monkeypatch.setenv("PGOPTIONS", "-c statement_timeout=2h")
    assert setting(plain, "statement_timeout") == "2h"
    with_options = replace(plain, admin_url=f"{plain.admin_url}?options=-c%20statement_timeout%3D1h")
    assert setting(with_options, "statement_timeout") == "1h"
    assert setting(with_options, "client_connection_check_interval") == "10s"


def test_a_wrong_password_is_turned_away(start: Start) -> None:
    warehouse = start("one")
    secret = warehouse.admin_url.split(":")[2].split("@")[0]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(warehouse.admin_url.replace(secret, "guessed"))


def test_two_homes_are_two_warehouses_side_by_side(start: Start) -> None:
    one, two = start("one"), start("two")
    with one.connect("admin") as connection:
        connection.execute("create table public.only_in_one ()")
    with two.connect("admin") as connection:
        assert connection.execute("select to_regclass('public.only_in_one')").fetchone() == (None,)
    assert EmbeddedServer(one.settings.home).port != EmbeddedServer(two.settings.home).port


def test_a_killed_server_is_up_again_at_the_next_command_with_what_was_committed(start: Start) -> None:
    warehouse = start("one")
    with warehouse.connect("admin") as connection:
        connection.execute("create table public.kept as select 1 as n")
    server = EmbeddedServer(warehouse.settings.home)
    first = (server.data / "postmaster.pid").read_text().splitlines()[0]
    os.kill(int(first), signal.SIGKILL)
    again = start("one")
    with again.connect("admin") as connection:
        assert connection.execute("select n from public.kept").fetchone() == (1,)
    assert (server.data / "postmaster.pid").read_text().splitlines()[0] != first


def test_a_stopped_server_whose_port_was_taken_moves_to_another(start: Start) -> None:
    import socket  # noqa: PLC0415

    warehouse = start("one")
    server = EmbeddedServer(warehouse.settings.home)
    port = server.port
    assert port is not None
    assert server.stop()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        again = start("one")
    assert EmbeddedServer(again.settings.home).port != port


def test_warehouse_url_points_at_any_other_server(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = start("other")
    with other.connect("admin", autocommit=True) as connection:
        connection.execute("create database elsewhere")
    url = other.url("admin", database="elsewhere")
    monkeypatch.setenv("WAREHOUSE_URL", url)
    monkeypatch.setenv("WAREHOUSE_HOME", str(tmp_path / "client"))
    warehouse = open_warehouse()
    with warehouse.connect("loader") as connection:
        assert connection.execute("select current_database(), count(*) from raw.loan_book").fetchone() == (
            "elsewhere",
            0,
        )
    assert not (tmp_path / "client" / "pgdata").exists(), "no embedded server was made"
    # The roles are the server's: the first warehouse still lets its own in.
    with other.connect("loader") as connection:
        assert connection.execute("select 1").fetchone() == (1,)
