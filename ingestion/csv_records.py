"""The structure of CSV bytes: where records end, and which of them are not well formed (RFC 4180, strictly).

Arrow's parser is fast but forgiving: it pads a blank line with nulls, reads a quote in the middle of a value as a
letter and a lone CR as the end of a line. So the bytes are looked at first, with numpy, a block at a time; records that
are not well formed are set aside by row number and never reach the parser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ingestion.csv_quotes import count_well_formed, find_last_line_end, is_simple
from ingestion.dialect import CsvDialect

Positions = NDArray[np.int64]
Mask = NDArray[np.bool_]
Bytes = NDArray[np.uint8]

LF, CR, SPACE = 0x0A, 0x0D, 0x20
FILLER = ord("x")
"""Stands for an escaped byte while the structure is looked at."""

BLANK = ("blank-row", "The line is empty: remove it.")
QUOTING = (
    "source-error",
    "A quote or escape is not where one may be: enclose the whole value in quotes and double each quote inside it.",
)
LONE_CR = ("source-error", "The line holds a CR without LF: end lines with LF or CRLF and leave CR out of values.")
NUL = ("source-error", "The line holds a NUL byte: remove it.")
NULL_QUOTED = ("source-error", "The null sequence stands in quotes, so it may be text: leave the value empty.")
UNDECODED = ("encoding-error", "The line holds bytes that are not of the encoding declared: write the file in it.")
LEADING_SPACE = ("source-error", "The line begins with a space, which the dialect may or may not skip: remove it.")


@dataclass(frozen=True)
class Problem:
    """Records of one block that are set aside: their numbers within the block, from 0."""

    rule: str
    message: str
    records: Positions


@dataclass(frozen=True)
class Records:
    """The well-formed records of a block, ready to be parsed.

    `count` are all records of the block; `kept` the numbers of those in `data`, None where that is all of them.
    """

    data: bytes
    count: int
    kept: Positions | None = None
    problems: tuple[Problem, ...] = ()
    has_line_breaks_in_values: bool = False


def find_cut(data: bytes, dialect: CsvDialect) -> int:
    """Return where the last whole record in `data` ends, 0 if none does; `data` starts at a record."""
    if dialect.quote.encode() not in data or dialect.comment is not None:
        return data.rfind(b"\n") + 1
    if is_simple(dialect) and (end := find_last_line_end(data, dialect)) is not None:
        return end
    structure = _Structure(data, dialect)
    ends = structure.record_ends()
    return int(ends[-1]) + 1 if len(ends) else 0


def split_records(data: bytes, dialect: CsvDialect, undecoded: Positions, *, is_broken: bool = False) -> Records:
    """Return the records of `data`, which starts at a record and ends with one.

    `undecoded` are the numbers, from 0, of lines that held bytes of another encoding. Where quotes are not well formed (or the caller knows: `is_broken`) a record is taken to end with its line, so that
    one bad quote does not hide the rest of the file.
    """
    if not len(undecoded) and not is_broken and (plain := _read_plain(data, dialect)) is not None:
        return plain
    if dialect.skip_initial_space:
        data = skip_initial_space(data, dialect)
    structure = _Structure(data, dialect)
    if is_broken or dialect.comment is not None or structure.has_faults():
        return _set_aside(structure, structure.newlines, structure.bad_quotes_by_line(), undecoded)
    return _set_aside(structure, structure.record_ends(), None, undecoded)


def _read_plain(data: bytes, dialect: CsvDialect) -> Records | None:
    """Return the records of `data` if nothing in it needs a closer look: no blank line, lone CR, NUL or odd quote."""
    if not is_simple(dialect) or (dialect.skip_initial_space and b" " in data):
        return None
    is_line_end = np.frombuffer(data, np.uint8) == LF
    if b"\0" in data or data[:1] in (b"\n", b"\r") or (is_line_end[1:] & is_line_end[:-1]).any():
        return None
    if b"\r" in data and (b"\n\r" in data or data.count(b"\r") != data.count(b"\r\n")):
        return None
    if dialect.quote.encode() not in data:
        return Records(data, int(np.count_nonzero(is_line_end)) + (not data.endswith(b"\n")) if data else 0)
    counted = None if dialect.null_sequence is not None else count_well_formed(data, dialect)
    return Records(data, counted[0], has_line_breaks_in_values=counted[1]) if counted else None


class _Structure:
    """Quotes and line ends of a block, escaped ones left out."""

    def __init__(self, data: bytes, dialect: CsvDialect) -> None:
        self.data = data
        self.dialect = dialect
        self.buffer: Bytes = np.frombuffer(data, np.uint8)
        self.bad_escapes: Positions = np.empty(0, np.int64)
        if dialect.escape is not None:
            self.buffer, self.bad_escapes = _mask_escaped(self.buffer, dialect)
        self.quotes = np.flatnonzero(self.buffer == ord(dialect.quote))
        self.newlines = np.flatnonzero(self.buffer == LF)

    def record_ends(self) -> Positions:
        """Return the line ends outside quotes, if the quotes are well formed."""
        is_outside = np.searchsorted(self.quotes, self.newlines) % 2 == 0
        return np.asarray(self.newlines[is_outside], np.int64)

    def has_faults(self) -> bool:
        if len(self.bad_escapes) or len(self.quotes) % 2:
            return True
        return bool(self._faults(np.arange(len(self.quotes)) % 2 == 1).any())

    def bad_quotes_by_line(self) -> Positions:
        """Return positions of which the line is not well formed when each line is a record of its own."""
        if not len(self.quotes):
            return self.bad_escapes
        line = np.searchsorted(self.newlines, self.quotes)
        first = np.concatenate(([True], line[1:] != line[:-1]))
        starts = np.flatnonzero(first)
        nth = np.arange(len(line)) - np.repeat(starts, np.diff(np.append(starts, len(line))))
        last = np.append(starts[1:], len(line)) - 1
        unclosed = self.quotes[last[nth[last] % 2 == 0]]
        return np.concatenate((self.quotes[self._faults(nth % 2 == 1)], unclosed, self.bad_escapes))

    def _faults(self, is_closing: Mask) -> Mask:
        """Return which quotes are out of place: opening only at the start of a value, closing only at its end."""
        padded = np.concatenate(([LF], self.buffer, [LF, LF])).astype(np.uint8)
        before, after = padded[self.quotes], padded[self.quotes + 2]
        starts, ends = _allowed(self.dialect)
        after_ok = ends[after] | ((after == CR) & (padded[self.quotes + 3] == LF))
        return np.where(is_closing, ~after_ok, ~starts[before])


@lru_cache(maxsize=8)
def _allowed(dialect: CsvDialect) -> tuple[Mask, Mask]:
    """Return which bytes may stand before an opening and after a closing quote."""
    starts, ends = np.zeros(256, np.bool_), np.zeros(256, np.bool_)
    around = [ord(dialect.delimiter), LF] + ([ord(dialect.quote)] if dialect.double_quote else [])
    starts[around] = ends[around] = True
    return starts, ends


def _mask_escaped(buffer: Bytes, dialect: CsvDialect) -> tuple[Bytes, Positions]:
    """Return the bytes with each escaped one replaced by a filler, and where an escape is not allowed."""
    escapes = np.flatnonzero(buffer == ord(dialect.escape or ""))
    first = np.concatenate(([True], np.diff(escapes) != 1))[: len(escapes)]
    starts = np.flatnonzero(first)
    nth = np.arange(len(escapes)) - np.repeat(starts, np.diff(np.append(starts, len(escapes))))
    targets = escapes[nth % 2 == 0] + 1
    inside = targets[targets < len(buffer)]
    special = np.isin(buffer[inside], np.frombuffer(dialect.special_bytes, np.uint8))
    masked = buffer.copy()
    masked[inside[special]] = FILLER
    return masked, np.concatenate((inside[~special] - 1, targets[targets >= len(buffer)] - 1))


def _set_aside(structure: _Structure, ends: Positions, bad_quotes: Positions | None, undecoded: Positions) -> Records:
    """Return the records that end at `ends` (and at the end of the data) without those that are not well formed."""
    size = len(structure.data)
    if size and (not len(ends) or ends[-1] != size - 1):
        ends = np.append(ends, size)
    starts = np.concatenate(([0], ends[:-1] + 1)).astype(np.int64)[: len(ends)]
    is_comment = _find_comments(structure, starts)
    line_starts = np.concatenate(([0], structure.newlines + 1))
    wrong = {UNDECODED: _record_of(line_starts[undecoded], ends), **_find_wrong(structure, starts, ends, bad_quotes)}
    problems = _once_each(wrong, len(ends))
    bad = np.zeros(len(ends), np.bool_)
    for problem in problems:
        bad[problem.records] = True
    # a comment is no record: numbers count only what is not one
    numbers = np.cumsum(~is_comment) - 1
    keep = ~bad & ~is_comment
    reported = tuple(
        Problem(p.rule, p.message, numbers[p.records[~is_comment[p.records]]])
        for p in problems
        if not is_comment[p.records].all()
    )
    data = structure.data
    if not keep.all():
        lengths = np.minimum(ends + 1, size) - starts
        data = np.frombuffer(data, np.uint8)[np.repeat(keep, lengths)].tobytes()
    line_ends = len(ends) - (bool(size) and not structure.data.endswith(b"\n"))
    has_breaks = bad_quotes is None and line_ends < structure.data.count(b"\n")
    return Records(data, int((~is_comment).sum()), numbers[keep], reported, has_breaks)


def _find_comments(structure: _Structure, starts: Positions) -> Mask:
    comment = structure.dialect.comment
    if comment is None or not len(starts):
        return np.zeros(len(starts), np.bool_)
    return np.asarray(structure.buffer[starts] == ord(comment))


def _find_wrong(
    structure: _Structure, starts: Positions, ends: Positions, bad_quotes: Positions | None
) -> dict[tuple[str, str], Positions]:
    """Return the records that break each rule."""
    data, dialect, buffer = structure.data, structure.dialect, structure.buffer
    padded = np.append(buffer, np.uint8(LF))
    lengths = ends - starts
    is_blank = (lengths == 0) | ((lengths == 1) & (padded[np.minimum(starts, len(buffer))] == CR))
    carriage = np.flatnonzero(buffer == CR)
    lone = carriage[padded[carriage + 1] != LF] if len(carriage) else carriage
    if bad_quotes is None:
        lone = lone[np.searchsorted(structure.quotes, lone) % 2 == 0]
    if data.endswith(b"\r"):
        lone = np.append(lone, len(data) - 1)
    wrong = {
        BLANK: np.flatnonzero(is_blank),
        QUOTING: _record_of(structure.bad_escapes if bad_quotes is None else bad_quotes, ends),
        NUL: _record_of(np.flatnonzero(buffer == 0), ends),
        LONE_CR: _record_of(lone, ends),
    }
    if dialect.null_sequence is not None:
        wrong[NULL_QUOTED] = _record_of(_find_quoted_nulls(data, dialect), ends)
    if dialect.skip_initial_space:
        wrong[LEADING_SPACE] = np.flatnonzero(padded[np.minimum(starts, len(buffer))] == SPACE)
    return wrong


def _once_each(wrong: dict[tuple[str, str], Positions], count: int) -> list[Problem]:
    """Return the problems with each record under the first rule that it breaks only."""
    taken = np.zeros(count, np.bool_)
    problems = []
    for (rule, message), records in wrong.items():
        new = np.unique(records)
        new = new[~taken[new]]
        taken[new] = True
        if len(new):
            problems.append(Problem(rule, message, new))
    return problems


def _record_of(positions: Positions, ends: Positions) -> Positions:
    return np.asarray(np.searchsorted(ends, positions), np.int64)


def _find_quoted_nulls(data: bytes, dialect: CsvDialect) -> Positions:
    quoted = f"{dialect.quote}{dialect.null_sequence}{dialect.quote}".encode()
    before, after = re.escape(dialect.delimiter.encode()), re.escape(dialect.delimiter.encode())
    pattern = rb"(?:(?<=[\n" + before + rb"])|\A)" + re.escape(quoted) + rb"(?=[\r\n" + after + rb"]|\Z)"
    return np.fromiter((match.start() for match in re.finditer(pattern, data)), np.int64)


def skip_initial_space(data: bytes, dialect: CsvDialect) -> bytes:
    """Return the bytes without the spaces that follow a delimiter outside quotes."""
    structure = _Structure(data, dialect)
    spaces = np.flatnonzero(structure.buffer == SPACE)
    if not len(spaces):
        return data
    first = np.concatenate(([True], np.diff(spaces) != 1))
    starts = spaces[first]
    before = np.where(starts > 0, structure.buffer[np.maximum(starts - 1, 0)], LF)
    is_outside = np.searchsorted(structure.quotes, starts) % 2 == 0
    drop_run = (before == ord(dialect.delimiter)) & is_outside
    dropped = spaces[drop_run[np.cumsum(first) - 1]]
    keep = np.ones(len(data), np.bool_)
    keep[dropped] = False
    return np.frombuffer(data, np.uint8)[keep].tobytes()


def split_first_record(data: bytes, dialect: CsvDialect) -> tuple[bytes, bytes]:
    """Return the first record that is not a comment, without its line end, and the bytes after it."""
    while dialect.comment is not None and data.startswith(dialect.comment.encode()):
        data = data.partition(b"\n")[2]
    line, line_end, rest = data.partition(b"\n")
    if dialect.quote.encode() in line and dialect.comment is None:
        ends = _Structure(data, dialect).record_ends()
        if len(ends):
            line, line_end, rest = data[: ends[0]], b"\n", data[ends[0] + 1 :]
    return (line.removesuffix(b"\r") if line_end else line), rest


def has_bad_structure(record: bytes, dialect: CsvDialect) -> bool:
    """Return whether a single record has quotes, escapes, a CR, a NUL or a space where none may be."""
    structure = _Structure(record, dialect)
    outside = np.searchsorted(structure.quotes, np.flatnonzero(structure.buffer == CR)) % 2 == 0
    has_leading_space = dialect.skip_initial_space and record.startswith(b" ")
    return structure.has_faults() or b"\0" in record or has_leading_space or bool(outside.any())
