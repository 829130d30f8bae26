"""Cut a byte stream into blocks that hold whole records, and decode them to UTF-8. Memory: a few blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np
import pyarrow as pa

from contract.errors import DamagedInputError
from ingestion.csv_records import Positions, find_cut
from ingestion.dialect import CsvDialect

BOM = b"\xef\xbb\xbf"
REPLACEMENT = "\ufffd".encode()
LF = 0x0A
VIETNAMESE_IN_UTF8 = re.compile(rb"\xe1[\xba\xbb][\x80-\xbf]|\xc6[\xa0\xa1\xaf\xb0]|\xc4[\x82\x83\x90\x91]")
"""UTF-8 of the letters from U+1EA0, of ơ ư and of ă đ: in windows-1258 no word has these bytes side by side."""
CODECS = {"utf-8": "utf-8", "utf8": "utf-8", "utf-8-sig": "utf-8", "windows-1258": "cp1258", "cp1258": "cp1258"}


@dataclass(frozen=True)
class RawBlock:
    """Bytes from the start of a record to the end of one. `is_broken`: a quote is open for longer than a block."""

    data: bytes
    is_broken: bool


def iter_raw_blocks(stream: IO[bytes], dialect: CsvDialect, block_bytes: int) -> Iterator[RawBlock]:
    """Yield the stream in blocks of at most `block_bytes`. Errors: DamagedInputError for a record longer than that."""
    carried = b""
    while True:
        data = carried + _read_fully(stream, block_bytes - len(carried))
        if len(data) < block_bytes:
            if data:
                yield RawBlock(data, is_broken=False)
            return
        cut = find_cut(data, dialect)
        is_broken = cut == 0
        if is_broken:
            cut = data.rfind(b"\n") + 1
        if cut == 0:
            raise DamagedInputError(
                f"A line is longer than {block_bytes} bytes", remedy="End each row with LF or CRLF, and close quotes."
            )
        yield RawBlock(data[:cut], is_broken)
        carried = data[cut:]


def _read_fully(stream: IO[bytes], size: int) -> bytes:
    """Return `size` bytes, fewer only at the end of the stream: raw and remote streams hand out what they have."""
    parts, missing = [], size
    while missing > 0:
        part = stream.read(missing)
        if not part:
            break
        parts.append(part)
        missing -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


class Decoder:
    """Turns blocks of the declared encoding into UTF-8, strictly."""

    def __init__(self, codec: str) -> None:
        self._codec = codec
        self._has_other_than_ascii = False
        self._could_be_utf8 = True

    @property
    def is_probably_utf8(self) -> bool:
        """Whether all that was declared as windows-1258 and is not ASCII is well-formed UTF-8 too.

        Vietnamese in windows-1258 is not: a vowel with its mark is followed by a letter, never by another high byte.
        """
        return self._codec != "utf-8" and self._has_other_than_ascii and self._could_be_utf8

    def decode(self, data: bytes) -> tuple[bytes, Positions]:
        """Return the UTF-8 bytes, and the numbers (from 0) of the lines that did not decode (shown as U+FFFD)."""
        wrong = np.empty(0, np.int64)
        if data.isascii() or (self._codec == "utf-8" and is_utf8(data)):
            return data, wrong
        if self._codec != "utf-8":
            self._note_other_than_ascii(data)
            wrong = _find_lines(data, VIETNAMESE_IN_UTF8)
        try:
            text = data.decode(self._codec)
        except UnicodeDecodeError:
            decoded = data.decode(self._codec, errors="replace").encode()
            replaced = _find_replaced_lines(data if self._codec == "utf-8" else b"", decoded)
            return decoded, np.union1d(replaced, wrong)
        return text.encode(), wrong

    def _note_other_than_ascii(self, data: bytes) -> None:
        self._has_other_than_ascii = True
        if self._could_be_utf8:
            try:
                data.decode("utf-8")
            except UnicodeDecodeError:
                self._could_be_utf8 = False


def is_utf8(data: bytes) -> bool:
    """Return whether the bytes are well-formed UTF-8: as Python's decoder says it, in a tenth of the time."""
    bounds = np.array([0, len(data)], np.int32)
    try:
        pa.Array.from_buffers(pa.binary(), 1, [None, pa.py_buffer(bounds), pa.py_buffer(data)]).cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True


def find_codec(encoding: str) -> str | None:
    """Return Python's name for the declared encoding, None if it is not one that the contract allows."""
    return CODECS.get(encoding.lower().replace("_", "-"))


def _find_replaced_lines(before: bytes, after: bytes) -> Positions:
    """Return the lines that hold more U+FFFD after decoding than before. Decoding keeps lines apart."""
    lines = after.count(b"\n") + 1
    return np.flatnonzero(_count_replacements(after, lines) > _count_replacements(before, lines))


def _find_lines(data: bytes, pattern: re.Pattern[bytes]) -> Positions:
    """Return the numbers of the lines that hold the pattern."""
    found = np.fromiter((match.start() for match in pattern.finditer(data)), np.int64)
    return np.unique(np.searchsorted(np.flatnonzero(np.frombuffer(data, np.uint8) == LF), found))


def _count_replacements(data: bytes, lines: int) -> Positions:
    buffer = np.frombuffer(data, np.uint8)
    if len(buffer) < len(REPLACEMENT):
        return np.zeros(lines, np.int64)
    first, second, third = REPLACEMENT
    found = np.flatnonzero((buffer[:-2] == first) & (buffer[1:-1] == second) & (buffer[2:] == third))
    line = np.searchsorted(np.flatnonzero(buffer == LF), found)
    return np.bincount(line, minlength=lines).astype(np.int64)
