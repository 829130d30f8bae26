"""The landing: `<landing>/<branch_code>/<business_date>/r<revision>/` on any storage that fsspec reads."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import fsspec
from fsspec.implementations.local import LocalFileSystem

from contract.errors import UnsafeInputError

DESCRIPTOR = "datapackage.json"
BRANCH = re.compile(r"[0-9]{2}")
REVISION = re.compile(r"r([1-9][0-9]{0,8})")
NO_LINKS = "Put the file itself into the delivery folder."


@dataclass(frozen=True)
class Folder:
    """One delivery folder: what its names say, what lies in it, and a fingerprint that changes when the listing does."""

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
    """The landing at `url`: a folder or any fsspec address."""

    def __init__(self, url: str) -> None:
        self.fs, self.root = fsspec.core.url_to_fs(url)
        self.is_local = isinstance(self.fs, LocalFileSystem)

    def branches(self) -> list[str]:
        """The names of the branch folders, sorted."""
        return [_name(entry) for entry in self._folders(self.root)]

    def folders(self, branch_code: str) -> Iterator[Folder]:
        """Yield the delivery folders of a branch, by date and revision."""
        for date in self._folders(f"{self.root}/{branch_code}"):
            found = [self._look(branch_code, _name(date), entry) for entry in self._folders(date["name"])]
            yield from sorted(found, key=lambda folder: (folder.revision or 0, folder.path))

    def folder(self, branch_code: str, date: str, name: str) -> Folder:
        """Return one delivery folder, empty where there is none."""
        return self._look(branch_code, date, {"name": f"{self.root}/{branch_code}/{date}/{name}"})

    def open(self, folder: Folder, name: str) -> BinaryIO:
        """Open a file of the folder. On a file system links are not followed and only plain files are opened."""
        path = f"{folder.path}/{name}"
        if not self.is_local:
            return self.fs.open(path, "rb", block_size=4 << 20, cache_type="readahead")  # type: ignore[no-any-return]
        if not os.path.realpath(path).startswith(os.path.realpath(self.root) + os.sep):
            raise UnsafeInputError(f"{name} lies outside the landing", remedy=NO_LINKS)
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

    def _look(self, branch_code: str, date: str, entry: dict[str, Any]) -> Folder:
        files = {_name(file): file for file in self._list(entry["name"]) if file["type"] != "directory"}
        marks = [f"{name}|{_mark(file)}" for name, file in sorted(files.items())]
        revision = REVISION.fullmatch(_name(entry))
        return Folder(
            path=entry["name"].rstrip("/"),
            branch_code=branch_code,
            business_date=date,
            revision=int(revision[1]) if revision else None,
            sizes={name: int(file["size"] or 0) for name, file in files.items()},
            fingerprint=hashlib.sha256("\n".join(marks).encode()).hexdigest(),
        )

    def _folders(self, path: str) -> list[dict[str, Any]]:
        found = [entry for entry in self._list(path) if entry["type"] == "directory"]
        return sorted((entry for entry in found if not _name(entry).startswith(".")), key=_name)

    def _list(self, path: str) -> list[dict[str, Any]]:
        try:
            self.fs.invalidate_cache(path)
            return list(self.fs.ls(path, detail=True))
        except (FileNotFoundError, NotADirectoryError):
            return []


def _name(entry: dict[str, Any]) -> str:
    return str(entry["name"]).rstrip("/").rsplit("/", 1)[-1]


def _mark(file: dict[str, Any]) -> str:
    keys = ("size", "mtime", "ino", "ETag", "LastModified", "time", "islink")
    return "|".join(f"{key}={file[key]}" for key in keys if file.get(key) is not None)


def _is_date(text: str) -> bool:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return False
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True
