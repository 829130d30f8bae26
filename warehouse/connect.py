"""Connections to the warehouse, each as the role that its step is meant for.

Every login role's password is derived from the administrator's (HMAC-SHA-256), so one secret file is enough and two
databases on one server agree.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

import psycopg

from contract.errors import WarehouseError
from warehouse.server import EmbeddedServer
from warehouse.settings import Settings, read_settings

Role = Literal["admin", "loader", "transformer", "quarter_keeper", "airflow"]
Connection = psycopg.Connection[tuple[Any, ...]]

OPTIONS = "-c client_connection_check_interval=10s"
"""A backend that waits for a lock notices that its client was killed, and gives up its place in the line."""


@dataclass(frozen=True)
class Warehouse:
    """A warehouse that can be connected to: its settings and the administrator's address."""

    settings: Settings
    admin_url: str

    def url(self, role: Role, database: str | None = None) -> str:
        """Return the address (libpq and SQLAlchemy form) for `role`; `database` defaults to the warehouse's."""
        parts = urlsplit(self.admin_url)
        name = f"/{quote(database)}" if database else parts.path
        if role == "admin":
            return urlunsplit(parts._replace(path=name))
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{role}:{self.password(role)}@{host}", path=name))

    def password(self, role: Role) -> str:
        """The derived password of a login role."""
        secret = unquote(urlsplit(self.admin_url).password or "")
        return hmac.new(secret.encode(), f"warehouse role {role}".encode(), hashlib.sha256).hexdigest()

    @property
    def airflow_database(self) -> str:
        """The name of the database beside the warehouse's that holds Airflow's metadata."""
        return urlsplit(self.admin_url).path.lstrip("/") + "_airflow"

    def connect(self, role: Role, *, autocommit: bool = False) -> Connection:
        """Open a connection as `role`. Statements are never prepared: tables come and go below them."""
        try:
            return psycopg.connect(
                self.url(role),
                autocommit=autocommit,
                prepare_threshold=None,
                application_name=f"warehouse {role}",
                options=connection_options(self.admin_url),
            )
        except psycopg.ProgrammingError:
            # Not from the error, which quotes the address, and the password with it.
            raise WarehouseError(
                "WAREHOUSE_URL is no address of PostgreSQL",
                remedy="Write it as postgresql://user:password@host:port/database.",
            ) from None
        except psycopg.OperationalError as error:
            raise WarehouseError(
                f"PostgreSQL cannot be reached as {role}: {str(error).strip()}",
                remedy="Check that the server is up (`make up`) and that WAREHOUSE_URL, if set, is right.",
            ) from error

    def libpq_environment(self, role: Role) -> dict[str, str]:
        """Return the PG... variables with which libpq programs connect as `role`."""
        parts = urlsplit(self.url(role))
        found = {
            "PGHOST": parts.hostname,
            "PGPORT": str(parts.port or 5432),
            "PGUSER": unquote(parts.username or ""),
            "PGPASSWORD": unquote(parts.password or ""),
            "PGDATABASE": unquote(parts.path.lstrip("/")),
        }
        return {name: value for name, value in found.items() if value}

    def program(self, name: str) -> str:
        """Return the path of a PostgreSQL program such as psql."""
        return str(EmbeddedServer(self.settings.home).binary(name))


def connection_options(url: str) -> str:
    """Return libpq's options for a connection to `url`: ours, then those of the address, or else of PGOPTIONS, which win."""
    given = dict(parse_qsl(urlsplit(url).query)).get("options") or os.environ.get("PGOPTIONS", "")
    return f"{OPTIONS} {given}".strip()


def open_warehouse(home: Path | None = None) -> Warehouse:
    """Return the warehouse of this process, ready for use: server running, roles, schemas and tables up to date.

    Cheap when nothing is to be done (one query). Raises WarehouseError when PostgreSQL cannot be started or reached.
    """
    from warehouse.schema import bring_up_to_date  # noqa: PLC0415 - the schema needs connections itself

    settings = (
        read_settings()
        if home is None
        else Settings(home, str(home / "landing"), home / "store", home / "outbox", None)
    )
    warehouse = Warehouse(settings, settings.url or EmbeddedServer(settings.home).ensure())
    bring_up_to_date(warehouse)
    return warehouse
