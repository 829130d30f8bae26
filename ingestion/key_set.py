"""The hashes of all keys of one file, in memory that does not grow with the file.

Up to `RUN` of them stay in memory; a larger file's are written to a temporary file, a sorted run after the other. They are
read again in ranges of their values, the same ones in every set: what is equal meets in one range.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from typing import IO

import numpy as np
from numpy.typing import NDArray

from ingestion.key_hashes import Hashes

RUN = 1 << 20
"""Hashes: 8 MiB."""
EDGES = np.arange(1 << 6, dtype=np.int64)[1:] * (1 << 58) + np.iinfo(np.int64).min
"""Where a range ends and the next begins. A file of 100 million rows has 12 MiB in each."""


class KeySet:
    """Hashes of keys, as often as they occur. Errors, of all that reads or writes: OSError (the disk is full)."""

    def __init__(self) -> None:
        self._waiting: list[Hashes] = []
        self._count = 0
        self._runs: list[NDArray[np.int64]] = []
        self._file: IO[bytes] | None = None

    def add(self, hashes: Hashes) -> None:
        """Take the hashes of a block."""
        self._waiting.append(hashes)
        self._count += len(hashes)
        if self._count >= RUN:
            self._write_run()

    def find_doubled(self) -> Hashes:
        """Return the hashes that occur more than once, each once, in order."""
        return np.unique(np.concatenate([part[1:][part[1:] == part[:-1]] for part in self._ranges()]))

    def has_all(self, values: KeySet) -> bool:
        """Return whether each hash in `values` is one of these."""
        return all(_has_all(mine, theirs) for mine, theirs in zip(self._ranges(), values._ranges(), strict=True))

    def _ranges(self) -> Iterator[Hashes]:
        """Yield all hashes in order, range by range."""
        self._waiting = [self._sort_waiting()]
        waiting, bounds = self._waiting[0], _find_bounds(self._waiting[0])
        for place, (start, end) in enumerate(itertools.pairwise(bounds)):
            parts = [self._read(run[place], run[place + 1]) for run in self._runs]
            part = np.concatenate([*parts, waiting[start:end]]) if parts else waiting[start:end]
            if parts:
                part.sort()
            yield part

    def _sort_waiting(self) -> Hashes:
        hashes = np.concatenate([np.empty(0, np.int64), *self._waiting])
        hashes.sort()
        return hashes

    def _write_run(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it goes with the set
        run, before = self._sort_waiting(), self._runs[-1][-1] if self._runs else 0
        self._file.write(run.data)
        self._runs.append(before + _find_bounds(run))
        self._waiting, self._count = [], 0

    def _read(self, start: int, end: int) -> Hashes:
        assert self._file is not None
        self._file.seek(int(start) * 8)
        return np.frombuffer(self._file.read(int(end - start) * 8), np.int64)


def _find_bounds(hashes: Hashes) -> NDArray[np.int64]:
    """Return where each range begins in sorted hashes, and last their number."""
    return np.concatenate(([0], np.searchsorted(hashes, EDGES), [len(hashes)])).astype(np.int64)


def _has_all(keys: Hashes, values: Hashes) -> bool:
    """Both in order, so that they are found side by side, in memory that is still in the cache."""
    if not len(values) or not len(keys):
        return not len(values)
    return bool((keys.take(np.searchsorted(keys, values), mode="clip") == values).all())
