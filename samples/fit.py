"""Arithmetic of the sample: whole đồng that add up exactly, and one random stream a subject."""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
DayArray = npt.NDArray[np.datetime64]


class CannotFitError(ValueError):
    """The asked total lies outside what the bounds of the single values allow."""


def stream(seed: int, subject: str) -> np.random.Generator:
    """Return the random numbers of one subject: a change in one part never shifts the draws of another."""
    return np.random.default_rng([seed, zlib.crc32(subject.encode())])


def fit_sum(start: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike, total: int, step: int) -> IntArray:
    """Move `start` as little as needed so that it lies within [low, high] and sums to `total` exactly.

    Every value but the last few stays a multiple of `step` (đồng) where its bounds are. Raises CannotFitError.
    """
    rounded = np.round(np.asarray(start, dtype=np.float64) / step).astype(np.int64) * step
    low_ = np.broadcast_to(np.asarray(low, dtype=np.int64), rounded.shape)
    high_ = np.broadcast_to(np.asarray(high, dtype=np.int64), rounded.shape)
    fitted = np.clip(rounded, low_, high_)
    if not int(low_.sum()) <= total <= int(high_.sum()):
        raise CannotFitError(f"{total:,} lies outside {int(low_.sum()):,} to {int(high_.sum()):,}")
    gap = total - int(fitted.sum())
    sign = 1 if gap > 0 else -1
    room = (high_ - fitted) if sign > 0 else (fitted - low_)
    if gap:
        share = np.floor(abs(gap) * (room / int(room.sum())) / step).astype(np.int64) * step
        share = np.minimum(share, room)
        fitted = fitted + sign * share
        room = room - share
    left = abs(total - int(fitted.sum()))
    while left >= step and (open_ := np.flatnonzero(room >= step)).size:
        chosen = open_[: left // step]
        fitted[chosen] += sign * step
        room[chosen] -= step
        left -= step * chosen.size
    # The last few đồng go where there is most room, so that as few values as possible are odd.
    order = np.argsort(-room, kind="stable")
    filled = np.minimum(room[order], np.maximum(0, left - (np.cumsum(room[order]) - room[order])))
    fitted[order] += sign * filled
    return fitted


def allocate(total: int, weights: npt.ArrayLike) -> IntArray:
    """Split `total` by weights into whole numbers that add up to it (largest remainder, first one first)."""
    weights_ = np.asarray(weights, dtype=np.float64)
    if weights_.size == 0:
        return np.zeros(0, dtype=np.int64)
    if weights_.sum() <= 0:
        weights_ = np.ones_like(weights_)
    sign = -1 if total < 0 else 1
    exact = abs(total) * (weights_ / weights_.sum())
    parts = np.floor(exact).astype(np.int64)
    left = abs(total) - int(parts.sum())
    order = np.argsort(parts - exact, kind="stable")
    each, rest = divmod(left, weights_.size)
    parts += each
    parts[order[:rest]] += 1
    split: IntArray = sign * parts
    return split


def choose(rng: np.random.Generator, candidates: IntArray, count: int) -> IntArray:
    """Draw `count` different candidates (all of them where there are fewer), in rising order."""
    return np.sort(rng.permutation(candidates)[: max(count, 0)])


def mask_of(size: int, chosen: IntArray) -> BoolArray:
    """Return a mask of length `size` that is true at `chosen`."""
    mask = np.zeros(size, dtype=np.bool_)
    mask[chosen] = True
    return mask
