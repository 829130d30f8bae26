"""The write-once, content-addressed store of delivered bytes.

Every delivered file is copied here once, named by the SHA-256 of its bytes; everything later reads only this copy.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
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
        """Where the file with this hash lies (or would lie): what it was written again as, where a person was erased."""
        direct, note = self._direct(sha256), self._note(sha256)
        if not direct.exists() and note.exists() and (newer := note.read_text()):
            return self.path(newer)
        return direct

    def replace(self, sha256: str, newer: str) -> None:
        """Let `newer`, which is kept already, stand for a file whose bytes go away; "" where nothing is to stand for it."""
        note = self._note(sha256)
        note.parent.mkdir(parents=True, exist_ok=True)
        part = note.with_name(f"{note.name}.{os.getpid()}")
        part.write_text(newer)
        os.replace(part, note)
        _sync_folder(note.parent)
        self._direct(sha256).unlink(missing_ok=True)

    def is_replaced(self, sha256: str) -> bool:
        """True when another file that is kept stands for this one: the same bytes were sent again, and nobody needs them."""
        note = self._note(sha256)
        newer = note.read_text() if note.exists() else ""
        return bool(newer) and self.path(newer).exists()

    def files(self) -> Iterator[Path]:
        """Yield every file that is kept."""
        return (path for path in (self.root / "sha256").glob("*/*") if path.is_file())

    def _direct(self, sha256: str) -> Path:
        return self.root / "sha256" / sha256[:2] / sha256

    def _note(self, sha256: str) -> Path:
        return self.root / "erased" / sha256

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
                final = self._direct(digest.hexdigest())
                if is_new := not final.exists():
                    target.flush()
                    os.fsync(target.fileno())
            if is_new:
                final.parent.mkdir(parents=True, exist_ok=True)
                os.chmod(name, 0o440)
                os.replace(name, final)
            _sync_folder(final.parent)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
        return StoredFile(digest.hexdigest(), size, final)

    def holds(self, sha256: str) -> bool:
        """True when the bytes are on record and still have their hash, erased persons apart (law 12)."""
        path = self.path(sha256)
        if not path.exists():
            return self._note(sha256).exists() and not self._note(sha256).read_text()
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == path.name


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
