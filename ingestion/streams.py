"""Open a delivered file as a stream of its uncompressed bytes, with bounds against archive bombs.

A bomb is noticed while the bytes are produced, never by holding them: memory stays constant.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from isal import igzip, isal_zlib

from contract.errors import DamagedCompressionError, UnsafeInputError

MAX_RATIO = 100
"""Uncompressed over compressed bytes; an honest extract stays under 30, a deflate bomb comes near 1,032."""
MAX_UNCOMPRESSED_BYTES = 16 << 30
ALWAYS_ALLOWED_BYTES = 8 << 20
"""Below this the ratio does not matter: a small file may hold nothing but repetition."""

COPY_BYTES = 1 << 20
DAMAGED: tuple[type[Exception], ...] = (OSError, EOFError, zlib.error, cast(type[Exception], isal_zlib.error))
"""What reading a damaged gzip file raises: its library has an error of its own."""


class GzipStream(io.RawIOBase):
    """The uncompressed bytes of a gzip file.

    Errors: UnsafeInputError when more comes out than `max_bytes`, or than `MAX_RATIO` times what went in;
    DamagedCompressionError when the file is cut short, altered or followed by other bytes.
    """

    def __init__(self, path: Path, *, max_bytes: int = MAX_UNCOMPRESSED_BYTES) -> None:
        self._path = path
        self._limit = min(max_bytes, max(ALWAYS_ALLOWED_BYTES, path.stat().st_size * MAX_RATIO))
        self._file = igzip.open(path, "rb")
        self._produced = 0

    def readable(self) -> bool:
        """Return True: the stream is for reading."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fill `buffer` and return how many bytes it holds; 0 at the end."""
        view = memoryview(cast(bytearray, buffer)).cast("B")
        try:
            count: int = self._file.readinto(view)
        except DAMAGED as error:
            raise DamagedCompressionError(
                f"{self._path.name} is not a whole gzip file: {error}",
                remedy="Compress the file again and send it as the next revision.",
            ) from error
        if count == 0 and self._produced == 0 and self._path.stat().st_size == 0:
            raise DamagedCompressionError(
                f"{self._path.name} is empty, which no gzip file is", remedy="Compress the file again and send it."
            )
        self._produced += count
        if self._produced > self._limit:
            raise UnsafeInputError(
                f"{self._path.name} unpacks to more than {self._limit} bytes",
                remedy="Send the file uncompressed, or ask the data centre if the branch has really grown so much.",
            )
        return count

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def open_stream(path: Path, compression: str | None = None, *, max_bytes: int = MAX_UNCOMPRESSED_BYTES) -> IO[bytes]:
    """Return the uncompressed bytes of the file at `path` (`compression`: `gz` or None) as a stream for reading.

    Errors: UnsafeInputError, DamagedCompressionError (both while reading, too), OSError.
    """
    if compression is None:
        if path.stat().st_size > max_bytes:
            raise UnsafeInputError(f"{path.name} has more than {max_bytes} bytes", remedy="Send a smaller file.")
        return path.open("rb", buffering=0)
    if compression != "gz":
        raise DamagedCompressionError(
            f"{path.name} is declared as compressed by {compression!r}", remedy="Compress with gz, or not at all."
        )
    return cast(IO[bytes], GzipStream(path, max_bytes=max_bytes))


@contextmanager
def seekable_file(stream: IO[bytes]) -> Iterator[tuple[IO[bytes], int]]:
    """Give the stream as a file that can be read at any place, and its size in bytes; on disk if it cannot."""
    if stream.seekable():
        yield stream, _size_of(stream)
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(stream, copy, COPY_BYTES)
        yield copy, _size_of(copy)


def _size_of(file: IO[bytes]) -> int:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return size
