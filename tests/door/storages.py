"""A real S3-compatible server and a real SFTP server, started by the tests; both die with the process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import asyncssh
import boto3
from moto.server import ThreadedMotoServer

KEY, SECRET, BUCKET = "branch-key", "branch-secret", "landing"


class Storage(Protocol):
    """Where a landing may lie. `url` is what WAREHOUSE_LANDING says, `settings` what fsspec is told beside it."""

    url: str
    settings: dict[str, dict[str, Any]]

    def put(self, folder: Path, name: str) -> None:
        """Upload every file of a local folder under `name`, as a branch does: the descriptor last."""

    def remove(self, name: str) -> None:
        """Remove one file."""


@dataclass
class Local:
    """A folder."""

    root: Path

    @property
    def url(self) -> str:
        return str(self.root)

    @property
    def settings(self) -> dict[str, dict[str, Any]]:
        return {}

    def put(self, folder: Path, name: str) -> None:
        (self.root / name).mkdir(parents=True, exist_ok=True)
        for file in in_order(folder):
            (self.root / name / file.name).write_bytes(file.read_bytes())

    def remove(self, name: str) -> None:
        (self.root / name).unlink()


@dataclass
class S3:
    """A bucket of moto's server, spoken to over HTTP by boto3 (the branch) and s3fs (the bank)."""

    endpoint: str

    def __post_init__(self) -> None:
        self.url = f"s3://{BUCKET}/night"
        self.settings = {
            "s3": {
                "key": KEY,
                "secret": SECRET,
                "endpoint_url": self.endpoint,
                "client_kwargs": {"region_name": "ap-southeast-1"},
            }
        }
        self.client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name="ap-southeast-1",
        )
        self.client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "ap-southeast-1"})

    def put(self, folder: Path, name: str) -> None:
        for file in in_order(folder):
            self.client.put_object(Bucket=BUCKET, Key=f"night/{name}/{file.name}", Body=file.read_bytes())

    def remove(self, name: str) -> None:
        self.client.delete_object(Bucket=BUCKET, Key=f"night/{name}")


@dataclass
class Sftp:
    """A folder behind asyncssh's server."""

    root: Path
    port: int
    host_key: asyncssh.SSHKey

    @property
    def url(self) -> str:
        return f"sftp://{KEY}:{SECRET}@127.0.0.1:{self.port}/night"

    @property
    def settings(self) -> dict[str, dict[str, Any]]:
        return {"sftp": {"allow_agent": False, "look_for_keys": False}}

    @property
    def known_hosts(self) -> str:
        return f"[127.0.0.1]:{self.port} {self.host_key.export_public_key().decode()}"

    def put(self, folder: Path, name: str) -> None:
        Local(self.root / "night").put(folder, name)

    def remove(self, name: str) -> None:
        (self.root / "night" / name).unlink()


def in_order(folder: Path) -> list[Path]:
    return sorted(folder.iterdir(), key=lambda file: (file.name == "datapackage.json", file.name))


@contextmanager
def s3_server() -> Iterator[S3]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield S3(f"http://{host}:{port}")
    finally:
        server.stop()


@contextmanager
def sftp_server(root: Path) -> Iterator[Sftp]:
    """Serve `root` as `/` to one user with a password."""
    loop, host_key = asyncio.new_event_loop(), asyncssh.generate_private_key("ssh-ed25519")

    class Server(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == (KEY, SECRET)

    def files(channel: asyncssh.SSHServerChannel) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=str(root).encode())

    async def start() -> asyncssh.SSHAcceptor:
        return await asyncssh.create_server(Server, "127.0.0.1", 0, server_host_keys=[host_key], sftp_factory=files)

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    acceptor = asyncio.run_coroutine_threadsafe(start(), loop).result(30)
    try:
        yield Sftp(root, acceptor.get_port(), host_key)
    finally:
        acceptor.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
