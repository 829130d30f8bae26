"""The borrowers: synthetic persons in real places, each in at most one savings group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from samples.fit import DayArray, IntArray
from samples.names import FAMILY_NAMES, GIVEN_NAMES, MIDDLE_NAMES
from samples.setting import Setting
from samples.territory import Territory

SEXES = ("M", "F")


@dataclass
class People:
    """One element a customer: `borrowers` who owe at the end, then `leaving` ones who paid off their last loan."""

    borrowers: int
    leaving: int
    group: IntArray  # -1: borrows directly from the office
    place: IntArray
    old_province: IntArray
    sex: IntArray
    ethnic: IntArray
    ethnic_codes: list[str]
    born_on: DayArray
    changed_on: DayArray
    changed_second: IntArray
    full_name: list[str]
    name_place: IntArray

    @property
    def size(self) -> int:
        """Number of customers in the whole sample."""
        return self.borrowers + self.leaving


def build_people(
    borrowers: int, leaving: int, land: Territory, setting: Setting, ethnic_shares: Mapping[str, float]
) -> People:
    """Make the customers and put them into groups; about 0.8 % borrow without one."""
    window, rng = setting.window, setting.stream("people")
    size = borrowers + leaving
    direct = size - int(land.group_size.sum())
    group = np.concatenate([np.repeat(np.arange(land.group_size.size), land.group_size), np.full(direct, -1)])
    group = rng.permutation(group)
    anywhere = rng.choice(len(land.places), size, p=land.place_weight / land.place_weight.sum())
    place = np.where(group >= 0, land.group_place[group], anywhere)
    provinces = sorted({home.old_province for home in land.places})
    province_of_place = np.array([provinces.index(home.old_province) for home in land.places])
    sex = (rng.random(size) < 0.56).astype(np.int64)
    shares = np.array(list(ethnic_shares.values()), dtype=np.float64)
    ethnic = rng.choice(shares.size, size, p=shares / shares.sum())
    names, name_place = _compose_names(rng, sex, ethnic, list(ethnic_shares))
    return People(
        borrowers=borrowers,
        leaving=leaving,
        group=group,
        place=place,
        old_province=province_of_place[place],
        sex=sex,
        ethnic=ethnic,
        ethnic_codes=list(ethnic_shares),
        born_on=window.first - rng.integers(22 * 365, 70 * 365, size).astype("timedelta64[D]"),
        changed_on=window.first - rng.integers(1, 900, size).astype("timedelta64[D]"),
        changed_second=rng.integers(8 * 3600, 16 * 3600, size),
        full_name=names,
        name_place=name_place,
    )


def count_direct(size: int) -> int:
    """Return how many customers borrow from the office itself, without a group."""
    return max(1, size * 8 // 1000)


def _compose_names(
    rng: np.random.Generator, sex: IntArray, ethnic: IntArray, codes: list[str]
) -> tuple[list[str], IntArray]:
    """Return distinct names and each person's place among them: far fewer strings than people."""
    names: list[str] = []
    place = np.zeros(sex.size, dtype=np.int64)
    for number, code in enumerate(codes):
        families = FAMILY_NAMES.get(code, FAMILY_NAMES["01"])
        weights = np.array([weight for _, weight in families], dtype=np.float64)
        for gender, label in enumerate(SEXES):
            chosen = (ethnic == number) & (sex == gender)
            middles, givens = MIDDLE_NAMES[label], GIVEN_NAMES[label]
            base = len(names)
            names += [f"{family} {middle} {given}" for family, _ in families for middle in middles for given in givens]
            count = int(chosen.sum())
            family_drawn = rng.choice(len(families), count, p=weights / weights.sum())
            rest = rng.integers(0, len(middles) * len(givens), count)
            place[chosen] = base + family_drawn * len(middles) * len(givens) + rest
    return names, place
