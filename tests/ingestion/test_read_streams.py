"""A compressed file gives exactly its bytes, and one that is damaged or a bomb gives an error before it does harm."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections import deque
from pathlib import Path

import pytest

from contract.errors import DamagedInputError, UnsafeInputError
from ingestion.read import read_blocks
from ingestion.streams import ALWAYS_ALLOWED_BYTES, MAX_RATIO, open_stream
from tests.support.reading import THINGS, file_of, row_of

TEXT = file_of(*(row_of({"id": f"A{n}"}) for n in range(2000)))


def write(folder: Path, data: bytes) -> Path:
    path = folder / "things.csv.gz"
    path.write_bytes(data)
    return path


def read_all(path: Path, compression: str | None = "gz", **limits: int) -> bytes:
    with open_stream(path, compression, **limits) as stream:
        return b"".join(iter(lambda: stream.read(1 << 16), b""))


@pytest.mark.parametrize(
    "packed",
    [gzip.compress(TEXT), gzip.compress(TEXT[:500]) + gzip.compress(TEXT[500:]), gzip.compress(TEXT) + bytes(512)],
    ids=["one member", "two members", "padded with zeros"],
)
def test_gzip_file_gives_its_bytes(tmp_path: Path, packed: bytes) -> None:
    assert read_all(write(tmp_path, packed)) == TEXT


def test_plain_file_gives_its_bytes(tmp_path: Path) -> None:
    assert read_all(write(tmp_path, TEXT), None) == TEXT


DAMAGED = {
    "nothing": b"",
    "no gzip": TEXT,
    "cut short": gzip.compress(TEXT)[:-20],
    "without its checksum": gzip.compress(TEXT)[:-8],
    "checksum wrong": gzip.compress(TEXT)[:-8] + b"\0\0\0\0" + gzip.compress(TEXT)[-4:],
    "length wrong": gzip.compress(TEXT)[:-4] + b"\1\0\0\0",
    "middle altered": gzip.compress(TEXT)[:600] + b"\xff" * 8 + gzip.compress(TEXT)[608:],
    "other bytes behind": gzip.compress(TEXT) + b"more",
    "zlib, not gzip": zlib.compress(TEXT),
}


@pytest.mark.parametrize("packed", DAMAGED.values(), ids=list(DAMAGED))
def test_damaged_gzip_file_is_no_whole_file(tmp_path: Path, packed: bytes) -> None:
    path = write(tmp_path, packed)
    with pytest.raises(DamagedInputError):
        read_all(path)
    with open_stream(path, "gz") as stream:
        findings = [finding for block in read_blocks(stream, THINGS) for finding in block.findings.to_pylist()]
    assert "compression-error" in [finding["rule"] for finding in findings]


def test_bomb_is_stopped_while_it_unpacks_and_in_little_memory(tmp_path: Path) -> None:
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    path = write(tmp_path, packed)
    assert len(packed) * MAX_RATIO < 200 << 20
    tracemalloc.start()
    try:
        with pytest.raises(UnsafeInputError), open_stream(path, "gz") as stream:
            deque(iter(lambda: stream.read(1 << 20), b""), maxlen=0)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


def test_small_file_of_much_repetition_is_no_bomb(tmp_path: Path) -> None:
    data = bytes(ALWAYS_ALLOWED_BYTES)
    assert len(gzip.compress(data)) * MAX_RATIO < len(data)
    assert read_all(write(tmp_path, gzip.compress(data))) == data


@pytest.mark.parametrize("compression", ["gz", None])
def test_file_larger_than_allowed_is_refused(tmp_path: Path, compression: str | None) -> None:
    path = write(tmp_path, gzip.compress(TEXT) if compression else TEXT)
    with pytest.raises(UnsafeInputError):
        read_all(path, compression, max_bytes=1000)


def test_unknown_compression_is_named(tmp_path: Path) -> None:
    with pytest.raises(DamagedInputError, match="zip"):
        open_stream(write(tmp_path, TEXT), "zip")


def test_a_stream_that_points_before_its_beginning_is_damaged(tmp_path: Path) -> None:
    """Found by a random mutation: the library has an error of its own for it."""
    path = write(tmp_path, bytes.fromhex("1f8b08000000000000ff4b0462000000000000000000"))
    with pytest.raises(DamagedInputError):
        read_all(path)
