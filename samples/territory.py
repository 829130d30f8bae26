"""Where a branch works: offices, transaction points and savings groups, tied to places that no boundary change cuts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from samples.calendar import Window
from samples.fit import DayArray, IntArray, allocate, fit_sum
from samples.places import Locality, list_bank_units
from samples.programmes import ORGANISATION_WEIGHTS
from samples.setting import Setting

_SMALLEST_GROUP, _LARGEST_GROUP = 8, 56


@dataclass(frozen=True)
class Office:
    """A unit of the bank: a former province's head office or the transaction office of a former district."""

    code: str
    old_province: str
    province_name: str
    district_name: str
    is_head: bool
    seat: int
    opened_on: str


@dataclass
class Territory:
    """Offices, points and groups of one branch; places are numbered as in `places`."""

    places: tuple[Locality, ...]
    offices: list[Office]
    office_of_place: IntArray
    point_place: IntArray
    point_codes: list[str]
    point_days: IntArray
    point_is_primary: IntArray
    point_opened: DayArray
    point_of_place: IntArray
    group_place: IntArray
    group_hamlet: IntArray
    group_organisation: IntArray
    group_founded: DayArray
    group_grade: IntArray
    group_size: IntArray
    group_codes: list[str]
    place_weight: IntArray

    @property
    def unit(self) -> str:
        """The bank's number of the branch: that of its first former province."""
        return list_bank_units()[self.offices[0].old_province]


def build_territory(places: tuple[Locality, ...], members: int, setting: Setting) -> Territory:
    """Lay out a branch with `members` people in savings groups, about as many as planned."""
    window, rng = setting.window, setting.stream("territory")
    offices, office_of_place = _build_offices(places)
    weights = rng.lognormal(0.0, 0.35, len(places))
    point_place, is_primary = _place_points(rng, len(places))
    count = _count_groups(members, setting.plan.count("groups"))
    group_place = np.repeat(np.arange(len(places)), _spread_groups(rng, count, weights))
    sizes = _draw_sizes(rng, members, count)
    return Territory(
        places=places,
        offices=offices,
        office_of_place=office_of_place,
        point_place=point_place,
        point_codes=[
            f"{offices[office_of_place[place]].code}D{number:03d}" for number, place in enumerate(point_place)
        ],
        point_days=rng.integers(1, 32, point_place.size),
        point_is_primary=is_primary,
        point_opened=_days_before(rng, window, point_place.size, 4000, 7000),
        point_of_place=np.flatnonzero(is_primary),
        group_place=group_place,
        group_hamlet=rng.integers(1, 8, count),
        group_organisation=rng.choice(4, count, p=ORGANISATION_WEIGHTS),
        group_founded=_days_before(rng, window, count, 400, 6000),
        group_grade=rng.choice(4, count, p=(0.83, 0.11, 0.04, 0.02)),
        group_size=sizes,
        group_codes=[
            f"{offices[office_of_place[place]].code}T{number:05d}" for number, place in enumerate(group_place)
        ],
        place_weight=allocate(1_000_000, weights),
    )


def _build_offices(places: tuple[Locality, ...]) -> tuple[list[Office], IntArray]:
    """One office a former district; the seat's district (the one of the city) is the head office's own."""
    districts: dict[tuple[str, str], int] = {}
    for number, place in enumerate(places):
        districts.setdefault((place.old_province, place.district_code), number)
    heads: dict[str, tuple[str, str]] = {}
    for key, seat in districts.items():
        is_city = places[seat].district_name.startswith(("Thành phố", "Quận"))
        if key[0] not in heads or (is_city and not _is_city(places, districts[heads[key[0]]])):
            heads[key[0]] = key
    units = list_bank_units()
    offices: list[Office] = []
    index: dict[tuple[str, str], int] = {}
    ordered = sorted(districts, key=lambda key: (key[0], heads[key[0]] != key, key[1]))
    seen: dict[str, int] = {}
    for key in ordered:
        place = places[districts[key]]
        seen[key[0]] = seen.get(key[0], -1) + 1
        index[key] = len(offices)
        offices.append(
            Office(
                code=f"{units[key[0]]}{seen[key[0]]:02d}",
                old_province=key[0],
                province_name=place.old_province_name,
                district_name=place.district_name,
                is_head=heads[key[0]] == key,
                seat=districts[key],
                opened_on="2003-04-01" if heads[key[0]] == key else "2003-07-15",
            )
        )
    of_place = np.array([index[(place.old_province, place.district_code)] for place in places], dtype=np.int64)
    return offices, of_place


def _is_city(places: tuple[Locality, ...], seat: int) -> bool:
    return places[seat].district_name.startswith(("Thành phố", "Quận"))


def _place_points(rng: np.random.Generator, places: int) -> tuple[IntArray, IntArray]:
    """One point in each commune, a second one in about one of twelve."""
    second = rng.permutation(places)[: places // 12]
    place = np.concatenate([np.arange(places), np.sort(second)])
    order = np.argsort(place, kind="stable")
    is_primary = np.concatenate([np.ones(places, dtype=np.int64), np.zeros(second.size, dtype=np.int64)])
    return place[order], is_primary[order]


def _count_groups(members: int, wanted: int) -> int:
    """Keep the mean size between the smallest and the largest group."""
    return max(1, min(max(wanted, -(-members // 44)), members // (_SMALLEST_GROUP + 2)))


def _spread_groups(rng: np.random.Generator, count: int, weights: npt.NDArray[np.float64]) -> IntArray:
    """Give each commune at least one group where there are enough."""
    if count < weights.size:
        spread = np.zeros(weights.size, dtype=np.int64)
        spread[rng.permutation(weights.size)[:count]] = 1
        return spread
    return 1 + allocate(count - weights.size, weights)


def _draw_sizes(rng: np.random.Generator, members: int, count: int) -> IntArray:
    mean = members / count
    low = min(_SMALLEST_GROUP, members // count)
    return fit_sum(rng.normal(mean, mean * 0.2, count), low, max(_LARGEST_GROUP, -(-members // count)), members, 1)


def _days_before(rng: np.random.Generator, window: Window, count: int, least: int, most: int) -> DayArray:
    days: DayArray = window.first - rng.integers(least, most, count).astype("timedelta64[D]")
    return days
