"""The programmes as the sample lends under them: weights, amounts, rates, caps and terms, all inside the rules.

Rates, caps and terms are those of domain.md ("Programmes"); where it names none, the usual one is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from samples.fit import BoolArray, DayArray, IntArray

MILLION = 1_000_000

SOURCES = ("TW", "DP_PROVINCE", "DP_DISTRICT", "DP_COMMUNE", "DP_OTHER")
ORGANISATIONS = ("PN", "ND", "CCB", "TN", "NONE")
ORGANISATION_WEIGHTS = (0.39, 0.31, 0.17, 0.13)
POOR_RATE = "6.6"


@dataclass(frozen=True)
class Programme:
    """One programme. Amounts in m VND, terms in months, rates in % a year; weights are shares of loans."""

    code: str
    central_weight: float
    local_weight: float
    rate: str
    overdue_rate: str
    low: int
    usual: int
    cap: int
    terms: tuple[int, ...]
    opened: str
    is_lending: bool
    purposes: tuple[str, ...]
    earlier_cap: tuple[str, int] | None = None
    later_rate: tuple[str, str, str] | None = None


PROGRAMMES: tuple[Programme, ...] = (
    Programme("1", 13, 8, POOR_RATE, "8.58", 10, 52, 100, (36, 60, 120), "2014-01-01", True, ("CN", "TR", "TS"),
              ("2019-03-01", 50)),
    Programme("19", 14, 14, "7.92", "10.296", 10, 55, 100, (36, 60, 120), "2014-01-01", True, ("CN", "TR", "BB"),
              ("2019-03-01", 50)),
    Programme("9", 13, 10, "8.25", "10.725", 10, 58, 100, (36, 60), "2015-09-01", True, ("CN", "TR", "BB"),
              ("2019-03-01", 50)),
    Programme("2", 5, 0, POOR_RATE, "8.58", 10, 36, 100, (96, 108, 120), "2014-01-01", True, ("HT",)),
    Programme("3", 12, 55, "7.92", "10.296", 10, 55, 100, (36, 60, 120), "2016-01-01", True, ("BB", "DV", "TS"),
              None, ("2026-01-01", "8.382", "10.8966")),
    Programme("4", 0.5, 2, POOR_RATE, "8.58", 40, 85, 150, (36, 48, 60), "2016-01-01", False, ("XK",)),
    Programme("6", 26, 0, "9.0", "11.7", 6, 18, 25, (60,), "2014-01-01", True, ("NS", "VS"), ("2024-09-02", 20)),
    Programme("7", 1.5, 0, "3.0", "3.9", 15, 25, 25, (180,), "2015-10-01", False, ("NO",)),
    Programme("10", 8, 0, "9.0", "11.7", 20, 58, 100, (36, 60, 120), "2014-01-01", True, ("BB", "DV", "CN")),
    Programme("12", 0.8, 3, "6.6", "8.58", 100, 280, 450, (180, 240, 300), "2018-03-01", True, ("NO",),
              None, ("2025-10-10", "5.4", "7.02")),
    Programme("15", 0.3, 0, "9.0", "11.7", 20, 40, 50, (36, 60), "2014-01-01", True, ("BB",)),
    Programme("17", 0.4, 0, "1.2", "1.56", 5, 8, 15, (180,), "2013-01-01", False, ("CN",)),
    Programme("21", 0.4, 0, "3.3", "4.29", 10, 25, 50, (120, 180), "2017-01-01", False, ("CN", "TR")),
    Programme("25", 1.5, 0, "3.0", "3.9", 40, 45, 77, (180,), "2022-05-01", True, ("NO", "TR")),
    Programme("26", 0.3, 0, POOR_RATE, "8.58", 20, 70, 100, (60, 120), "2023-10-10", True, ("BB", "DV")),
    Programme("27", 0.4, 0, "4.8", "6.24", 20, 60, 100, (96, 120), "2025-08-28", True, ("HT",)),
    Programme("99", 1.3, 8, "7.92", "10.296", 10, 40, 50, (36, 60), "2016-01-01", True, ("DV", "BB")),
)  # fmt: skip

CODES = tuple(programme.code for programme in PROGRAMMES)
INDEX = {code: place for place, code in enumerate(CODES)}
ABROAD = INDEX["4"]
STUDENTS = INDEX["2"]
PURPOSES = tuple(sorted({purpose for programme in PROGRAMMES for purpose in programme.purposes}))

_EARLIEST = np.array([programme.opened for programme in PROGRAMMES], dtype="datetime64[D]")


def draw_programmes(
    rng: np.random.Generator, is_local: BoolArray, is_new: bool, weights: Mapping[str, float], first_day: np.datetime64
) -> IntArray:
    """Draw a programme for each loan: central or local weights; new loans only where the programme still lends.

    A programme that had not begun a month before `first_day` is left out: no programme-source pair is new later.
    """
    drawn = np.zeros(is_local.size, dtype=np.int64)
    for local in (False, True):
        share = np.array([p.local_weight if local else weights.get(p.code, p.central_weight) for p in PROGRAMMES])
        share[first_day - np.timedelta64(31, "D") < _EARLIEST] = 0
        if is_new:
            share[[not p.is_lending for p in PROGRAMMES]] = 0
        chosen = is_local == local
        drawn[chosen] = rng.choice(len(PROGRAMMES), int(chosen.sum()), p=share / share.sum())
    return drawn


def draw_terms(rng: np.random.Generator, programme: IntArray, longest: bool = False) -> IntArray:
    """Draw the term in months; the programme's longest where `longest`."""
    terms = np.zeros(programme.size, dtype=np.int64)
    for place, entry in enumerate(PROGRAMMES):
        chosen = programme == place
        count = int(chosen.sum())
        terms[chosen] = max(entry.terms) if longest else rng.choice(np.array(entry.terms), count)
    return terms


def read_bounds(programme: IntArray, disbursed_on: DayArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return least, usual and most đồng of a loan, by the cap in force on the day it was lent."""
    low = np.array([entry.low for entry in PROGRAMMES])[programme] * MILLION
    usual = np.array([entry.usual for entry in PROGRAMMES])[programme] * MILLION
    cap = np.array([entry.cap for entry in PROGRAMMES])[programme] * MILLION
    for place, entry in enumerate(PROGRAMMES):
        if entry.earlier_cap:
            until, former = entry.earlier_cap
            early = (programme == place) & (disbursed_on < np.datetime64(until))
            cap[early] = former * MILLION
    return low, np.minimum(usual, cap), cap


def read_earliest(programme: IntArray) -> DayArray:
    """Return the first day on which each loan's programme lent."""
    earliest: DayArray = _EARLIEST[programme]
    return earliest


def list_rates() -> tuple[list[str], list[str]]:
    """Return the contract and overdue rates that `read_rates` points into: first the usual, then the later ones."""
    later = [entry.later_rate or ("", entry.rate, entry.overdue_rate) for entry in PROGRAMMES]
    usual = [entry.rate for entry in PROGRAMMES], [entry.overdue_rate for entry in PROGRAMMES]
    return usual[0] + [rate for _, rate, _ in later], usual[1] + [rate for _, _, rate in later]


def read_rates(programme: IntArray, disbursed_on: DayArray) -> IntArray:
    """Return each loan's place in `list_rates`, by the day it was lent."""
    place = programme.copy()
    for number, entry in enumerate(PROGRAMMES):
        if entry.later_rate:
            later = (programme == number) & (disbursed_on >= np.datetime64(entry.later_rate[0]))
            place[later] = number + len(PROGRAMMES)
    return place
