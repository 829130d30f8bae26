"""Sealed files: encrypted and authenticated streams, for what leaves the warehouse's own disk.

AES-256-GCM in chunks of one MiB. Each file has a key of its own (HKDF-SHA-256 of the master key, a random salt and the
file's name), the chunks are numbered and the last one is marked: what was cut short, put together in another order or
laid under another name is not opened. Format: 8 bytes magic, 32 bytes salt, then chunks of at most 1 MiB + 16 bytes.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from contract.errors import WarehouseError

MAGIC = b"VBSPSEA1"
CHUNK = 1 << 20
TAG = 16
SALT = 32
KEY_BYTES = 32


class SealError(WarehouseError):
    """A sealed file is not what was sealed, or the key is another one."""


def make_key(path: Path) -> bytes:
    """Return the master key in `path` (64 hex digits); where there is none, make one that only its owner reads."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
    return read_key(path)


def read_key(path: Path) -> bytes:
    """Return the master key in `path`. Errors: SealError."""
    try:
        key = bytes.fromhex(path.read_text().strip())
    except (OSError, ValueError) as error:
        raise SealError(f"There is no key in {path}: {error}", remedy="Give the key file of these backups.") from error
    if len(key) != KEY_BYTES:
        raise SealError(f"{path} holds no key of 256 bits", remedy="Give the key file of these backups.")
    return key


def seal(source: BinaryIO, target: Path, name: str, key: bytes) -> int:
    """Encrypt `source` to its end into `target`, which appears whole or not at all; return the bytes written."""
    salt = secrets.token_bytes(SALT)
    cipher = _cipher(key, salt, name)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with partial.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(MAGIC + salt)
            for number, chunk, is_last in _chunks(source, CHUNK):
                file.write(cipher.encrypt(_nonce(number, is_last), chunk, None))
            file.flush()
            os.fsync(file.fileno())
            written = file.tell()
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return written


def open_sealed(path: Path, name: str, key: bytes) -> Iterator[bytes]:
    """Yield what was sealed, chunk by chunk, each only after it was found to be genuine. Errors: SealError."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise SealError(f"{path} is not a sealed file", remedy="Use another backup.")
        cipher = _cipher(key, file.read(SALT), name)
        for number, chunk, is_last in _chunks(file, CHUNK + TAG):
            try:
                yield cipher.decrypt(_nonce(number, is_last), chunk, None)
            except InvalidTag as error:
                raise SealError(
                    f"{path} is damaged, or sealed with another key, or was given another name",
                    remedy="Check the key file; else use another backup.",
                ) from error


def unseal(path: Path, target: Path, name: str, key: bytes) -> None:
    """Write what was sealed into `target`; nothing stays there when any of it is not genuine. Errors: SealError."""
    try:
        with target.open("wb") as file:
            for chunk in open_sealed(path, name, key):
                file.write(chunk)
    except SealError:
        with contextlib.suppress(FileNotFoundError):
            target.unlink()
        raise


def _cipher(key: bytes, salt: bytes, name: str) -> AESGCM:
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt, b"vbsp warehouse backup: " + name.encode()).derive(key))


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


def _chunks(source: BinaryIO, size: int) -> Iterator[tuple[int, bytes, bool]]:
    """Yield number, bytes and whether it is the last of each chunk; an empty source is one empty chunk."""
    number, chunk = 0, _read_full(source, size)
    while True:
        following = _read_full(source, size)
        yield number, chunk, not following
        if not following:
            return
        number, chunk = number + 1, following


def _read_full(source: BinaryIO, size: int) -> bytes:
    """Read `size` bytes, fewer only at the end: a pipe gives what it has."""
    parts, missing = [], size
    while missing and (part := source.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
