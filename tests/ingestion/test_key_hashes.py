"""The checksum of all keys at once is that of zlib, and hashes tell keys apart."""

from __future__ import annotations

import tracemalloc
import zlib

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.key_hashes import LONGEST, hash_keys, sum_crc32

KEYS = st.lists(st.one_of(st.binary(max_size=24), st.binary(min_size=60, max_size=LONGEST + 20)), max_size=30)
EVEN = st.integers(0, 50).flatmap(lambda size: st.lists(st.binary(min_size=size, max_size=size), max_size=30))
FAMILIES = {
    "one byte differs": lambda n: b"K%015d" % n + b"\xff" * (n % 2),
    "numbers of any length": lambda n: b"%d" % n,
    "two numbers": lambda n: b"K%d|C%d" % (n // 300, n % 300),
    "the same word in another place": lambda n: b"\0" * (n % 40) + b"12345678" + b"\0" * (n // 40),
    "the highest bits of two words": lambda n: b"%07d%c1234567%c" % (n // 4, n % 2 * 128, n // 2 % 2 * 128),
    "as many zeros": lambda n: bytes(n % (LONGEST + 1)) + b"x" * (n // (LONGEST + 1)),
}


@settings(deadline=None)
@given(st.one_of(KEYS, EVEN), st.integers(0, 3))
def test_sum_of_checksums_is_that_of_zlib(keys: list[bytes], start: int) -> None:
    values = pa.array(keys, pa.binary()).slice(start)
    assert sum_crc32(values) == sum(map(zlib.crc32, values.to_pylist()))


@settings(deadline=None)
@given(st.one_of(KEYS, EVEN), st.integers(0, 3))
def test_a_key_has_one_hash_whatever_stands_beside_it(keys: list[bytes], start: int) -> None:
    values = pa.array(keys, pa.binary()).slice(start)
    alone = [hash_keys(pa.array([key], pa.binary()))[0] for key in values.to_pylist()]
    assert hash_keys(values).tolist() == alone


@pytest.mark.parametrize("family", FAMILIES)
def test_keys_that_are_alike_have_different_hashes(family: str) -> None:
    keys = {FAMILIES[family](n) for n in range(90_000 if "number" in family else 1_600)}
    assert len(set(hash_keys(pa.array(list(keys), pa.binary())))) == len(keys)


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=LONGEST), st.data())
def test_any_byte_makes_another_hash(key: bytes, data: st.DataObject) -> None:
    place, byte = data.draw(st.integers(0, len(key) - 1)), data.draw(st.integers(1, 255))
    other = key[:place] + bytes([key[place] ^ byte]) + key[place + 1 :]
    first, second = hash_keys(pa.array([key, other], pa.binary()))
    assert first != second


def test_one_very_long_key_takes_no_memory_for_the_others() -> None:
    keys = pa.array([b"1"] * 1000 + [b"1" * 100_000], pa.binary())
    tracemalloc.start()
    hash_keys(keys)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000


def test_bits_of_hashes_are_even() -> None:
    hashes = hash_keys(pa.array([b"C%09d" % n for n in range(20_000)], pa.binary()))
    assert all(abs(int((hashes >> bit & 1).sum()) - 10_000) < 500 for bit in range(64))
