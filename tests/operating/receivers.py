"""Receivers for digests: a mail server that speaks SMTP and a web server, both real, on a free port of this machine."""

from __future__ import annotations

import email
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, cast


@dataclass
class Mailbox:
    """What a mail server has taken: envelope and message. `refuses`: it takes nothing; `unknown`: nothing for this person."""

    port: int = 0
    refuses: bool = False
    unknown: str = ""
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    messages: list[EmailMessage] = field(default_factory=list)


class _Smtp(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client needs to hand over a message."""

    def handle(self) -> None:
        box: Mailbox = cast(Any, self.server).box
        sender, receivers = "", []
        self._say("220 test ESMTP")
        while line := self.rfile.readline().decode().strip():
            verb, _, rest = line.partition(" ")
            match verb.upper():
                case "EHLO" | "HELO":
                    self._say("250-test\r\n250 8BITMIME")
                case "MAIL":
                    sender = rest[5:].split(" ")[0]
                    self._say("451 not now" if box.refuses else "250 ok")
                case "RCPT":
                    receiver = rest[3:].split(" ")[0]
                    if receiver == f"<{box.unknown}>":
                        self._say("550 no such user")
                        continue
                    receivers.append(receiver)
                    self._say("250 ok")
                case "DATA":
                    self._say("354 go on")
                    lines = []
                    while (data := self.rfile.readline()) != b".\r\n":
                        lines.append(data[1:] if data.startswith(b"..") else data)
                    box.envelopes.append((sender, receivers))
                    box.messages.append(cast(EmailMessage, email.message_from_bytes(b"".join(lines), policy=default)))
                    self._say("250 taken")
                case "QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 ok")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """A mail server for as long as the block takes."""
    box = Mailbox()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Smtp) as server:
        cast(Any, server).box = box
        server.daemon_threads = True
        box.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield box
        server.shutdown()


@dataclass
class Hook:
    """What a web server was sent: path, content type and document. `status` is its answer; `elsewhere`: where it sends one on."""

    port: int = 0
    status: int = 200
    elsewhere: str = ""
    posts: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)


class _Post(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        hook: Hook = cast(Any, self.server).hook
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        hook.posts.append((self.path, self.headers["Content-Type"], document))
        self.send_response(hook.status)
        if hook.elsewhere:
            self.send_header("Location", hook.elsewhere)
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def web_server() -> Iterator[Hook]:
    """A web server for as long as the block takes."""
    hook = Hook()
    with HTTPServer(("127.0.0.1", 0), _Post) as server:
        cast(Any, server).hook = hook
        hook.port = server.server_port
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield hook
        server.shutdown()
