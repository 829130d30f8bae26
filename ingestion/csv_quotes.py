"""The fast half of the structure checks for blocks with quotes: certain that all is well formed, or None.

A file in which every value is quoted is nothing unusual, and has more quotes than values. So the quotes are not looked at
one by one: whole blocks are compared, byte by byte beside the byte before and after. `csv_records` looks closer where
this cannot tell; `tests/ingestion` compares the two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ingestion.dialect import CsvDialect

Mask = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
LF, CR = 0x0A, 0x0D
PIECE = 128 << 10
"""Bytes looked at in one go: what fits the processor's cache."""
LINES_TO_TRY = 1000
"""How many line ends are looked at from the end of a block before its quotes are looked at from the start."""


def is_simple(dialect: CsvDialect) -> bool:
    """Return whether quotes alone say where values begin and end."""
    return dialect.escape is None and dialect.comment is None


def find_last_line_end(data: bytes, dialect: CsvDialect) -> int | None:
    """Return the place after the last line end outside quotes, None if it is not near the end of `data`.

    `data` starts at a record; outside is where an even number of quotes stands before.
    """
    quote, place = dialect.quote.encode(), len(data)
    is_inside = data.count(quote) % 2 == 1
    for _ in range(LINES_TO_TRY):
        found = data.rfind(b"\n", 0, place)
        if found < 0:
            return None
        is_inside ^= data.count(quote, found, place) % 2 == 1
        if not is_inside:
            return found + 1
        place = found
    return None


def count_well_formed(data: bytes, dialect: CsvDialect) -> tuple[int, bool] | None:
    """Return how many records `data` holds and whether a value holds a line end; None if any quote may be out of place.

    A quote opens at the start of a value and closes at its end, and an even number stands before every opening one.
    """
    buffer, start, is_inside, records, breaks = np.frombuffer(data, np.uint8), 0, False, 0, 0
    while start < len(data):
        end = (data.rfind(b"\n", start, start + PIECE) + 1) or (data.find(b"\n", start) + 1) or len(data)
        counted = _count_piece(buffer[start:end], dialect, is_inside=is_inside)
        if counted is None:
            return None
        is_inside, lines, inner = counted
        records, breaks, start = records + lines - inner, breaks + inner, end
    return None if is_inside else (records + (not data.endswith(b"\n")), breaks > 0)


def _count_piece(buffer: Bytes, dialect: CsvDialect, *, is_inside: bool) -> tuple[bool, int, int] | None:
    """Look at whole lines: return whether a quote is open at their end, how many line ends there are, and how many
    inside quotes; None if any quote may be out of place. `is_inside`: a quote is open at their start.
    """
    quotes = buffer == ord(dialect.quote)
    inside: Mask = np.bitwise_xor.accumulate(quotes.view(np.uint8)).view(np.bool_)
    if is_inside:
        inside = ~inside
    lines = buffer == LF
    edges = lines | (buffer == ord(dialect.delimiter))
    if dialect.double_quote:
        edges |= quotes
    opens, closes = quotes & inside, quotes & ~inside
    if (opens[1:] & ~edges[:-1]).any() or not _all_close(closes, edges, buffer, lines):
        return None
    return bool(inside[-1]), int(np.count_nonzero(lines)), int(np.count_nonzero(lines & inside))


def _all_close(closes: Mask, edges: Mask, buffer: Bytes, lines: Mask) -> bool:
    """Return whether what follows each closing quote ends the value: a delimiter, LF, CRLF or the end of the data."""
    open_ended = closes[:-1] & ~edges[1:]
    if not open_ended.any():
        return True
    before_line_end = np.zeros(len(buffer) - 1, np.bool_)
    before_line_end[:-1] = (buffer[1:-1] == CR) & lines[2:]
    return not (open_ended & ~before_line_end).any()
