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
from collections.abc import Sequence
from email.message import EmailMessage
from http.client import HTTPException
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


def send(
    targets: Sequence[SplitResult], subject: str, text: str, document: dict[str, Any]
) -> tuple[list[str], list[str]]:
    """Send to every receiver: one that is dead silences no other. Return the names without secrets of those who took it, and a
    sentence for each of the others.
    """
    sent, failures = [], []
    for target in targets:
        try:
            if target.scheme.startswith("smtp"):
                _send_mail(target, subject, text)
            else:
                _post(target, document)
            sent.append(name(target))
        except (OSError, smtplib.SMTPException, HTTPException, ValueError) as error:
            failures.append(f"{name(target)} did not take the digest: {type(error).__name__}: {error}")
    return sent, failures


def require_taken(failures: Sequence[str]) -> None:
    """Raise WarehouseError where somebody did not take what was sent."""
    if failures:
        raise WarehouseError("; ".join(failures), remedy=REMEDY)


def name(target: SplitResult) -> str:
    """Return the receiver without user, password and path: a webhook's path is its secret."""
    port = f":{target.port}" if target.port else ""
    to = ", ".join(_query(target, "to").split(","))
    return f"{target.scheme}://{target.hostname}{port}" + (f" ({to})" if to else "")


def _require_target(word: str) -> SplitResult:
    try:
        target = urlsplit(word)
        is_address = bool(target.hostname) and target.port != 0 and target.scheme in ("smtp", "smtps", "http", "https")
    except ValueError:
        is_address = False
    if not is_address:
        raise WarehouseError(f"{SETTING} holds what is no smtp, smtps, http or https address", remedy=REMEDY)
    is_mail = target.scheme in ("smtp", "smtps")
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
        if refused := server.send_message(message):
            raise smtplib.SMTPRecipientsRefused(refused)


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


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A POST that is sent elsewhere is an error: urllib would ask there by GET, and the document would be lost."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _post(target: SplitResult, document: dict[str, Any]) -> None:
    request = urllib.request.Request(target.geturl(), json.dumps(document, ensure_ascii=False).encode(), method="POST")
    request.add_header("Content-Type", "application/json; charset=utf-8")
    urllib.request.build_opener(_NoRedirect).open(request, timeout=PATIENCE).close()
