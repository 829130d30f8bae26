"""A wire between a process and PostgreSQL that loses what a test wants lost."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

Loss = Literal["reply to COMMIT", "connection"]


class Wire:
    """Listens on a port of its own and passes everything on, until the file `mark` appears.

    Then, once: with the loss `reply to COMMIT` the next COMMIT still reaches the server, which carries it out, and the
    client's connection is closed without an answer; with the loss `connection` the connection of whoever speaks next is cut.
    """

    def __init__(self, url: str, mark: Path, loss: Loss) -> None:
        self.parts = urlsplit(url)
        self.mark, self.loss = mark, loss
        self.has_lost = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))

    @property
    def url(self) -> str:
        login = self.parts.netloc.rpartition("@")[0]
        return urlunsplit(self.parts._replace(netloc=f"{login}@127.0.0.1:{self.listener.getsockname()[1]}"))

    def __enter__(self) -> Wire:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection((self.parts.hostname, self.parts.port))
                swallows = threading.Event()
                threading.Thread(target=self._send, args=(client, server, swallows), daemon=True).start()
                threading.Thread(target=self._answer, args=(client, server, swallows), daemon=True).start()

    def _send(self, client: socket.socket, server: socket.socket, swallows: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                if self.mark.exists() and not self.has_lost.is_set():
                    if self.loss == "connection":
                        self.has_lost.set()
                        break
                    if b"COMMIT" in data:
                        self.has_lost.set()
                        swallows.set()
                server.sendall(data)
        if not swallows.is_set():
            _close(client, server)

    def _answer(self, client: socket.socket, server: socket.socket, swallows: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 16):
                if swallows.is_set():
                    break
                client.sendall(data)
        _close(client, server)


def _close(*ends: socket.socket) -> None:
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
