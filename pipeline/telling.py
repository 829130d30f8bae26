"""Telling people: by mail (SMTP) or by webhook, as WAREHOUSE_DIGEST says. Nobody is told unless it is set.

    smtp://user:password@host:port/?from=warehouse@bank.vn&to=ops@bank.vn,head@bank.vn     STARTTLS where offered
    smtps://...                                                                             TLS from the first byte
    https://chat.bank.vn/hooks/...                                                          a POST with JSON

Several receivers are separated by spaces. `@/run/secrets/digest` reads them from a file, for they hold passwords.
"""

from __future__ import annotations

import json
import os
import smtplib
import ssl
import urllib.request
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from contract.errors import WarehouseError

SETTING = "WAREHOUSE_DIGEST"
PATIENCE = 30
"""Seconds until a receiver is given up."""
REMEDY = f"See docs/operating.md, Being told; {SETTING} names the receivers."


def read_targets() -> list[SplitResult]:
    """Return the receivers from the environment. Errors: WarehouseError when one cannot be understood."""
    text = os.environ.get(SETTING, "").strip()
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text(encoding="utf-8")
        except OSError as error:
            raise WarehouseError(f"{SETTING} names a file that cannot be read: {error}", remedy=REMEDY) from error
    return [_require_target(word) for word in text.split()]


def send(target: SplitResult, subject: str, text: str, document: dict[str, Any]) -> str:
    """Send to one receiver and return its name without secrets. Errors: WarehouseError when it does not take it."""
    try:
        if target.scheme.startswith("smtp"):
            _send_mail(target, subject, text)
        else:
            _post(target, document)
    except (OSError, smtplib.SMTPException) as error:
        raise WarehouseError(
            f"{name(target)} did not take the digest: {type(error).__name__}: {error}", remedy=REMEDY
        ) from error
    return name(target)


def name(target: SplitResult) -> str:
    """Return the receiver without user, password and path: a webhook's path is its secret."""
    port = f":{target.port}" if target.port else ""
    to = ", ".join(_query(target, "to").split(","))
    return f"{target.scheme}://{target.hostname}{port}" + (f" ({to})" if to else "")


def _require_target(word: str) -> SplitResult:
    target = urlsplit(word)
    is_mail = target.scheme in ("smtp", "smtps")
    if not target.hostname or target.scheme not in ("smtp", "smtps", "http", "https"):
        raise WarehouseError(f"{SETTING} holds what is no smtp, smtps, http or https address", remedy=REMEDY)
    if is_mail and not (_query(target, "from") and _query(target, "to")):
        raise WarehouseError(f"{SETTING}: {name(target)} lacks ?from=...&to=...", remedy=REMEDY)
    return target


def _query(target: SplitResult, key: str) -> str:
    return parse_qs(target.query).get(key, [""])[0]


def _send_mail(target: SplitResult, subject: str, text: str) -> None:
    message = EmailMessage()
    message["Subject"] = " ".join(subject.split())
    message["From"] = _query(target, "from")
    message["To"] = ", ".join(_query(target, "to").split(","))
    # So that no out-of-office answers it.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    with _connect(target) as server:
        if target.username:
            if target.scheme == "smtp" and not isinstance(server.sock, ssl.SSLSocket):
                raise smtplib.SMTPException("the server offers no encryption, and a password is not sent without it")
            server.login(unquote(target.username), unquote(target.password or ""))
        server.send_message(message)


def _connect(target: SplitResult) -> smtplib.SMTP:
    host = str(target.hostname)
    if target.scheme == "smtps":
        return smtplib.SMTP_SSL(host, target.port or 465, timeout=PATIENCE, context=ssl.create_default_context())
    server = smtplib.SMTP(host, target.port or 25, timeout=PATIENCE)
    server.ehlo()
    if server.has_extn("starttls"):
        server.starttls(context=ssl.create_default_context())
        server.ehlo()
    return server


def _post(target: SplitResult, document: dict[str, Any]) -> None:
    request = urllib.request.Request(target.geturl(), json.dumps(document, ensure_ascii=False).encode(), method="POST")
    request.add_header("Content-Type", "application/json; charset=utf-8")
    urllib.request.urlopen(request, timeout=PATIENCE).close()
