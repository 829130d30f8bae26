"""Which money a loan runs on: central, or the province's, the district's (until June 2025) and others' money."""

from __future__ import annotations

from datetime import date

import numpy as np

from samples.calendar import Window
from samples.fit import BoolArray, IntArray
from samples.places import MERGER_DAY
from samples.programmes import INDEX, SOURCES

CENTRAL = SOURCES.index("TW")
PROVINCE = SOURCES.index("DP_PROVINCE")
DISTRICT = SOURCES.index("DP_DISTRICT")

# Districts went on 2025-07-01; what they had entrusted was handed to the province at the close of the day before.
DISTRICT_MONEY_ENDS = np.datetime64("2025-06-30")

_WEIGHTS_BEFORE = (0.0, 0.68, 0.29, 0.0, 0.03)
_WEIGHTS_AFTER = (0.0, 0.90, 0.0, 0.06, 0.04)


def has_districts(window: Window) -> bool:
    """Say whether any delivery of the sample still knows district money."""
    return bool(window.first < np.datetime64(MERGER_DAY))


def list_local_weights(window: Window) -> tuple[float, ...]:
    """Return the share of each source in local money, in the order of SOURCES."""
    return _WEIGHTS_BEFORE if has_districts(window) else _WEIGHTS_AFTER


def draw_sources(rng: np.random.Generator, is_local: BoolArray, window: Window) -> IntArray:
    """Draw a source for each loan."""
    drawn = rng.choice(len(SOURCES), is_local.size, p=list_local_weights(window))
    return np.where(is_local, drawn, CENTRAL)


def read_sources(source: IntArray, day: date) -> IntArray:
    """Return the source of each loan as booked on `day`: district money became the province's."""
    if np.datetime64(day) < DISTRICT_MONEY_ENDS:
        return source
    return np.where(source == DISTRICT, PROVINCE, source)


def settle_pairs(programme: IntArray, source: IntArray, unit: IntArray, stays: BoolArray) -> None:
    """Let every pair of programme and source stand in each branch from the first day: none is new later.

    Changes `source` (and, for a programme that nobody holds throughout, one loan's `programme`) in place.
    """
    lonely = _find_lonely(programme, source, unit, stays) & (source == DISTRICT)
    source[lonely] = PROVINCE
    source[_find_lonely(programme, source, unit, stays)] = CENTRAL
    standing = _pairs(programme, source, unit)
    held = np.isin(standing, standing[stays])
    for pair in np.unique(standing[~held]):
        loans = np.flatnonzero(standing == pair)
        spare = _find_spare(standing, stays, unit, int(unit[loans[0]]))
        programme[spare], source[spare] = programme[loans[0]], source[loans[0]]


def _pairs(programme: IntArray, source: IntArray, unit: IntArray) -> IntArray:
    return (unit * len(INDEX) + programme) * len(SOURCES) + source


def _find_lonely(programme: IntArray, source: IntArray, unit: IntArray, stays: BoolArray) -> BoolArray:
    """Return the loans whose pair, or what becomes of it when districts go, no standing loan has."""
    successor = np.where(source == DISTRICT, PROVINCE, source)
    pairs, later = _pairs(programme, source, unit), _pairs(programme, successor, unit)
    return ~(np.isin(pairs, pairs[stays]) & np.isin(later, pairs[stays]))


def _find_spare(pairs: IntArray, stays: BoolArray, unit: IntArray, wanted_unit: int) -> int:
    """Return a standing loan whose pair has others to stand for it."""
    candidates = np.flatnonzero(stays & (unit == wanted_unit))
    _, inverse, counts = np.unique(pairs[candidates], return_inverse=True, return_counts=True)
    return int(candidates[np.argmax(counts[inverse])])
