"""Whether the write-ahead log beside a backup is whole: a replay ends, without a word, at the first segment that lacks."""

from __future__ import annotations

from pathlib import Path

SEGMENTS_A_FILE = 0x100
"""Segments of 16 MiB in a log file of 4 GiB: the digits 9-16 of a name count files, the digits 17-24 segments in it."""


def find_gap(folder: Path, first: str) -> str | None:
    """Return the first segment from `first` (a segment's name) on that is not in `folder`, though later ones may be.

    None when there is no gap. Timelines are passed over: the position is what counts.
    """
    names = {path.name.removesuffix(".sealed") for path in (folder / "wal").glob("*.sealed")}
    kept = {_position(name) for name in names if not name.endswith(".history")}
    for position in range(_position(first), max(kept, default=_position(first)) + 1):
        if position not in kept:
            return f"{first[:8]}{position // SEGMENTS_A_FILE:08X}{position % SEGMENTS_A_FILE:08X}"
    return None


def _position(name: str) -> int:
    return int(name[8:16], 16) * SEGMENTS_A_FILE + int(name[16:24], 16)
