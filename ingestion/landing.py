"""The landing: `<landing>/<branch_code>/<business_date>/r<revision>/` on any storage that fsspec reads."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import fsspec
from fsspec.asyn import AsyncFileSystem
from fsspec.implementations.local import LocalFileSystem

from contract.errors import UnsafeInputError, WarehouseError

DESCRIPTOR = "datapackage.json"
BRANCH = re.compile(r"[0-9]{2}")
REVISION = re.compile(r"r([1-9][0-9]{0,8})")
NO_LINKS = "Put the file itself into the delivery folder."
REQUESTS_AHEAD = 64
SFTP = ("sftp://", "ssh://")
S3 = ("s3://", "s3a://")


@dataclass(frozen=True)
class Folder:
    """One delivery folder: what its names say, what lies in it, and a fingerprint that changes when the listing does.

    `place` is where it lies; `path` is the same in characters that a database takes, whatever the names are written in.
    """

    place: str
    path: str
    branch_code: str
    business_date: str
    revision: int | None
    sizes: dict[str, int]
    fingerprint: str

    @property
    def is_named_well(self) -> bool:
        """True when branch, date and revision are written as the contract says."""
        return bool(BRANCH.fullmatch(self.branch_code)) and self.revision is not None and _is_date(self.business_date)

    @property
    def is_complete(self) -> bool:
        """True when the descriptor, which is written last, is there."""
        return DESCRIPTOR in self.sizes


class Landing:
    """The landing at `url`: a folder or any fsspec address. Errors of every method: WarehouseError where the storage
    cannot be reached or refuses.
    """

    def __init__(self, url: str) -> None:
        with _reached(url):
            self.fs, root = fsspec.core.url_to_fs(url, **_options(url))
        self.root = root.rstrip("/")
        self.url = url
        self.is_sftp = url.startswith(SFTP)
        self.is_local = isinstance(self.fs, LocalFileSystem)

    def is_there(self) -> bool:
        """Whether there is such a landing, of which nothing can be listed: on S3, whether there is its bucket."""
        with _reached(self.url):
            return bool(self.fs.exists(self.root.partition("/")[0] if self.url.startswith(S3) else self.root))

    def branches(self) -> list[str]:
        """The names of the branch folders, sorted; one that is not written in UTF-8 is no branch's."""
        names = [_name(entry) for entry in self._folders(self.root)]
        return [name for name in names if name == _as_text(name)]

    def folders(self, branch_code: str) -> Iterator[Folder]:
        """Yield the delivery folders of a branch, by date and revision."""
        branch = f"{self.root}/{branch_code}"
        if isinstance(self.fs, AsyncFileSystem):
            yield from self._find_folders(branch_code, branch)
            return
        for date in self._folders(branch):
            names = [_name(entry) for entry in self._folders(date["name"])]
            yield from sorted((self.folder(branch_code, _name(date), name) for name in names), key=_by_revision)

    def folder(self, branch_code: str, date: str, name: str) -> Folder:
        """Return one delivery folder, empty where there is none."""
        path = f"{self.root}/{branch_code}/{date}/{name}"
        return _as_folder(path, branch_code, date, self._list(path))

    def open(self, folder: Folder, name: str) -> BinaryIO:
        """Open a file of the folder; one that is a link, or behind one, is not what the branch delivered."""
        path = f"{folder.place}/{name}"
        if self._real(path) != self._real(self.root) + path.removeprefix(self.root):
            raise UnsafeInputError(f"{name} is a link or lies behind one", remedy=NO_LINKS)
        if self.is_local:
            return _open_plain_file(path, name)
        with _reached(self.url):
            file = self.fs.open(path, "rb", block_size=4 << 20, cache_type="readahead")
            if self.is_sftp:
                # One request at a time would cost a round trip for every 32 KiB; more ahead would cost memory.
                file.prefetch(file.stat().st_size, REQUESTS_AHEAD)
        return file  # type: ignore[no-any-return]

    def _real(self, path: str) -> str:
        """Where a path leads when links are followed. Object stores know none."""
        if self.is_local:
            return os.path.realpath(path)
        if self.is_sftp:
            with _reached(self.url):
                return str(self.fs.ftp.normalize(path))
        return path

    def _find_folders(self, branch_code: str, branch: str) -> Iterator[Folder]:
        """As `folders`, from one listing: an object store answers a thousand keys at a time, a folder costs a request."""
        with _reached(self.url):
            self.fs.invalidate_cache()
            entries = self.fs.find(branch, detail=True).values()
        found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for entry in entries:
            parts = str(entry["name"]).removeprefix(f"{branch}/").split("/")
            if len(parts) >= 3 and not parts[0].startswith(".") and not parts[1].startswith("."):
                files = found.setdefault((parts[0], parts[1]), [])
                files += [entry] if len(parts) == 3 else []
        folders = [
            _as_folder(f"{branch}/{date}/{name}", branch_code, date, files) for (date, name), files in found.items()
        ]
        yield from sorted(folders, key=lambda folder: (folder.business_date, *_by_revision(folder)))

    def _folders(self, path: str) -> list[dict[str, Any]]:
        found = [entry for entry in self._list(path) if entry["type"] == "directory" or _is_link(entry)]
        return sorted((entry for entry in found if not _name(entry).startswith(".")), key=_name)

    def _list(self, path: str) -> list[dict[str, Any]]:
        with _reached(self.url):
            self.fs.invalidate_cache(path)
            try:
                return list(self.fs.ls(path, detail=True))
            except (FileNotFoundError, NotADirectoryError):
                return []


@contextlib.contextmanager
def _reached(url: str) -> Iterator[None]:
    """Turn whatever a storage raises into one error that says where to look; a file that is not there stays that."""
    try:
        yield
    except (FileNotFoundError, WarehouseError):
        raise
    except Exception as error:
        raise WarehouseError(
            f"The landing {without_password(url)} cannot be read: {type(error).__name__}: {error}",
            remedy="Check WAREHOUSE_LANDING, its credentials and the network (docs/landing.md).",
        ) from error


def without_password(url: str) -> str:
    """Return a storage address as it may be shown."""
    return re.sub(r"(://[^/@:]*):[^/@]*@", r"\1:***@", url)


def _options(url: str) -> dict[str, Any]:
    """What fsspec is told besides the address: for SFTP, which servers are believed. Errors: WarehouseError."""
    # An address may be a chain, such as a cache before the server.
    protocols = [part.partition("://")[0] for part in url.split("::") if part.startswith(SFTP)]
    if not protocols:
        return {}
    from ingestion.known_hosts import read_known_hosts  # noqa: PLC0415 - paramiko only where it is used

    policy: dict[str, Any] = {"host_key_policy": read_known_hosts()}
    return policy if url.startswith(SFTP) else dict.fromkeys(protocols, policy)


def _as_folder(path: str, branch_code: str, date: str, entries: Iterable[dict[str, Any]]) -> Folder:
    name = path.rsplit("/", 1)[-1]
    files = {_name(file): file for file in entries if file["type"] != "directory" and _name(file) != name}
    marks = [f"{name}|{_mark(file)}" for name, file in sorted(files.items())]
    revision = REVISION.fullmatch(name)
    return Folder(
        place=path,
        path=_as_text(path),
        branch_code=_as_text(branch_code),
        business_date=_as_text(date),
        revision=int(revision[1]) if revision else None,
        sizes={name: int(file["size"] or 0) for name, file in files.items()},
        fingerprint=hashlib.sha256("\n".join(marks).encode(errors="surrogateescape")).hexdigest(),
    )


def _as_text(name: str) -> str:
    """A name with the bytes that are no UTF-8 written out."""
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _open_plain_file(path: str, name: str) -> BinaryIO:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if os.path.islink(path):
            raise UnsafeInputError(f"{name} is a link", remedy=NO_LINKS) from error
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise UnsafeInputError(f"{name} is not a plain file", remedy=NO_LINKS)
    return os.fdopen(handle, "rb")


def _by_revision(folder: Folder) -> tuple[int, str]:
    return (folder.revision or 0, folder.path)


def _is_link(entry: dict[str, Any]) -> bool:
    return bool(entry["type"] == "link" or entry.get("islink"))


def _name(entry: dict[str, Any]) -> str:
    return str(entry["name"]).rstrip("/").rsplit("/", 1)[-1]


def _mark(file: dict[str, Any]) -> str:
    """What changes when a file does. Not `time`, which over SFTP is when it was last read."""
    keys = ("size", "mtime", "ino", "ETag", "LastModified", "islink")
    return "|".join(f"{key}={file[key]}" for key in keys if file.get(key) is not None)


def _is_date(text: str) -> bool:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return False
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True
