"""The write-once, content-addressed store of delivered bytes.

Every delivered file is copied here once, named by the SHA-256 of its bytes; everything later reads only this copy.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

CHUNK = 4 << 20


@dataclass(frozen=True)
class StoredFile:
    """A file in the store: hex SHA-256 of its bytes, its size in bytes, and where it lies."""

    sha256: str
    bytes: int
    path: Path


class Store:
    """The store below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, sha256: str) -> Path:
        """Where the file with this hash lies (or would lie)."""
        return self.root / "sha256" / sha256[:2] / sha256

    def keep(self, source: BinaryIO, limit: int | None = None) -> StoredFile:
        """Copy `source` into the store and return what was kept; at most `limit` + 1 bytes are read.

        The copy appears under its name only when it is complete and on disk.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        handle, name = tempfile.mkstemp(prefix="incoming-", dir=self.root)
        try:
            with os.fdopen(handle, "wb") as target:
                while chunk := source.read(CHUNK if limit is None else min(CHUNK, limit + 1 - size)):
                    digest.update(chunk)
                    target.write(chunk)
                    size += len(chunk)
                target.flush()
                os.fsync(target.fileno())
            final = self.path(digest.hexdigest())
            final.parent.mkdir(parents=True, exist_ok=True)
            if not final.exists():
                os.chmod(name, 0o440)
                os.replace(name, final)
                _sync_folder(final.parent)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
        return StoredFile(digest.hexdigest(), size, final)

    def holds(self, sha256: str) -> bool:
        """True when the bytes are on record and still have their hash."""
        path = self.path(sha256)
        if not path.exists():
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
