"""Sealed files: what goes in comes out, and nothing else ever does."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from warehouse.sealed import CHUNK, MAGIC, SALT, TAG, SealError, make_key, open_sealed, read_key, seal, unseal

KEY = bytes(range(32))
BLOCK = CHUNK + TAG
HEAD = len(MAGIC) + SALT


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_what_was_sealed_is_opened_byte_for_byte(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    seal(io.BytesIO(content), tmp_path / "a", "a", KEY)
    assert b"".join(open_sealed(tmp_path / "a", "a", KEY)) == content


def test_a_pipe_that_gives_little_at_a_time_is_sealed_whole(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    for _ in range(3):
        os.write(writing, b"x" * 1000)
    os.close(writing)
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        seal(pipe, tmp_path / "a", "a", KEY)  # type: ignore[arg-type]
    assert b"".join(open_sealed(tmp_path / "a", "a", KEY)) == b"x" * 3000


def test_nothing_of_the_content_is_seen_and_the_same_content_never_looks_the_same(tmp_path: Path) -> None:
    content = "Nguyễn Thị Kín".encode() * 5000
    for name in "ab":
        seal(io.BytesIO(content), tmp_path / name, "one name", KEY)
    a, b = ((tmp_path / name).read_bytes() for name in "ab")
    assert content[:10] not in a
    assert a[HEAD:] != b[HEAD:]
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def alter(sealed: bytes, how: str) -> bytes:
    blocks = [sealed[start : start + BLOCK] for start in range(HEAD, len(sealed), BLOCK)]
    head = sealed[:HEAD]
    return {
        "a bit": sealed[:-1] + bytes([sealed[-1] ^ 1]),
        "the salt": sealed[:20] + bytes([sealed[20] ^ 1]) + sealed[21:],
        "the last chunk missing": head + b"".join(blocks[:-1]),
        "two chunks exchanged": head + b"".join([blocks[1], blocks[0], *blocks[2:]]),
        "a chunk twice": head + b"".join([blocks[0], *blocks]),
        "cut in a chunk": sealed[:-5],
        "nothing but the head": head,
        "another format": b"PK" + sealed[2:],
    }[how]


@pytest.mark.parametrize(
    "how",
    ["a bit", "the salt", "the last chunk missing", "two chunks exchanged", "a chunk twice", "cut in a chunk",
     "nothing but the head", "another format"],
)  # fmt: skip
def test_what_was_altered_is_not_opened_and_nothing_is_left_of_it(tmp_path: Path, how: str) -> None:
    sealed = tmp_path / "sealed"
    seal(io.BytesIO(os.urandom(3 * CHUNK)), sealed, "a", KEY)
    sealed.write_bytes(alter(sealed.read_bytes(), how))
    with pytest.raises(SealError):
        unseal(sealed, tmp_path / "out", "a", KEY)
    assert not (tmp_path / "out").exists()


def test_another_key_and_another_name_do_not_open_it(tmp_path: Path) -> None:
    seal(io.BytesIO(b"secret"), tmp_path / "a", "a", KEY)
    for name, key in (("a", bytes(32)), ("b", KEY)):
        with pytest.raises(SealError):
            list(open_sealed(tmp_path / "a", name, key))


def test_a_seal_that_fails_leaves_nothing(tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("the pipe broke")

    with pytest.raises(OSError, match="the pipe broke"):
        seal(Broken(), tmp_path / "a", "a", KEY)
    assert list(tmp_path.iterdir()) == []


def test_the_key_is_made_once_for_its_owner_only_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "backup.key"
    assert make_key(path) == make_key(path) == read_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    for text in ("", "not hex", "00" * 31):
        path.write_text(text)
        with pytest.raises(SealError):
            read_key(path)
    with pytest.raises(SealError):
        read_key(tmp_path / "none")
