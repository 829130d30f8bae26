"""CRC-32 and a 64-bit hash of every key of a block: of all keys at once, a column of bytes after the other.

Keys are set flush right in a matrix of bytes. Of any message, the CRC-32 is that of as many zeros, XORed with what each of
its bytes adds, which depends on the byte and on how many follow it, and is nothing for a zero (CRC is linear).
"""

from __future__ import annotations

import functools
import secrets
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ingestion.check_fast import view_bytes

Hashes = NDArray[np.int64]
Words = NDArray[np.uint64]

WORD = 8
LONGEST = 128
"""Bytes. No key that the contract allows comes near; longer ones are checked in another way."""
MULTIPLIERS = np.frombuffer(secrets.token_bytes(LONGEST + WORD), np.uint64) | np.uint64(1)
"""Odd, one for each word of a key, by its distance from the end, and the last one for the length; others in each process."""


def sum_crc32(keys: pa.Array) -> int:
    """Return the sum of the IEEE CRC-32 of all keys (binary, without nulls)."""
    lengths = _lengths(keys)
    if lengths.max(initial=0) > LONGEST:
        return sum(map(zlib.crc32, keys.to_pylist()))
    sums = _crc_of_zeros()[lengths]
    for distance, pairs in enumerate(reversed(_flush_right(keys, lengths).view(np.uint16).T)):
        sums ^= _crc_of_pairs(distance).take(pairs)
    return int(sums.sum(dtype=np.uint64))


def hash_keys(keys: pa.Array) -> Hashes:
    """Return a hash of each key (binary, without nulls): the same in one process, another in each.

    Keys of one length that differ in one word of eight bytes only never share a hash; others do once in 2^64.
    Of a key longer than `LONGEST` its length and its first bytes count.
    """
    lengths = _lengths(keys)
    if lengths.max(initial=0) > LONGEST:
        keys = pc.binary_slice(keys, 0, LONGEST)
    mixed = _mix(lengths.astype(np.uint64) * MULTIPLIERS[-1])
    for words, multiplier in zip(
        reversed(_flush_right(keys, _lengths(keys)).view(np.uint64).T), MULTIPLIERS, strict=False
    ):
        mixed ^= _mix(words * multiplier)
    return _mix(mixed).view(np.int64)


def _lengths(keys: pa.Array) -> NDArray[np.int32]:
    lengths: NDArray[np.int32] = pc.binary_length(keys).to_numpy()
    return lengths


def _flush_right(keys: pa.Array, lengths: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Return a row of bytes for each key, filled up in front with zeros to a multiple of `WORD`."""
    longest = int(lengths.max(initial=0))
    width = -(-longest // WORD) * WORD
    cells = np.zeros((len(keys), width), np.uint8)
    data = np.frombuffer(view_bytes(keys), np.uint8)
    if len(data) == longest * len(keys):
        cells[:, width - longest :] = data.reshape(len(keys), longest)
    else:
        cells[np.arange(width, 0, -1, dtype=np.uint8) <= lengths[:, None]] = data
    return cells


def _mix(words: Words) -> Words:
    """Let every bit bear on every other (the finalizer of splitmix64): one to one, zero stays zero."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


@functools.cache
def _crc_of_zeros() -> NDArray[np.uint32]:
    return np.array([zlib.crc32(bytes(length)) for length in range(LONGEST + 1)], np.uint32)


@functools.cache
def _crc_of_pairs(distance: int) -> NDArray[np.uint32]:
    """Return what two bytes (the first one in the low half) add, with so many pairs after them."""
    first, second = (_crc_of_bytes(2 * distance + more) for more in (1, 0))
    return (second[:, None] ^ first).ravel()


def _crc_of_bytes(distance: int) -> NDArray[np.uint32]:
    after = bytes(distance)
    zero = zlib.crc32(b"\0" + after)
    return np.array([zlib.crc32(bytes([byte]) + after) ^ zero for byte in range(256)], np.uint32)
