"""Files about the branch itself: offices, points, groups and customers, as they stand on a business date."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from samples.columns import Column, blank, nothing, pick, write_codes, write_days, write_integers, write_moments
from samples.fit import BoolArray, DayArray, IntArray
from samples.people import SEXES
from samples.places import MERGER_DAY
from samples.programmes import CODES, ORGANISATIONS
from samples.world import World

Columns = dict[str, Column]

_GRADES = ("T", "K", "TB", "Y")
_RESIDENCES = ("present", "left", "deceased", "unknown")
_CLASSES = ("poor", "near_poor", "escaped_poverty", "other_policy")
_CLASS_OF_PROGRAMME = {"1": 0, "19": 1, "9": 2}

# Numbers that no person can have: identity numbers begin with a province's code, and 099 is none; 010 is no prefix.
_NATIONAL_ID_PREFIX = "099"
_PHONE_PREFIX = "010"


def write_offices(world: World, day: date, covered: BoolArray) -> Columns:
    """Offices of the branch; after a merger only the head office of the branch's own seat stays one."""
    codes = world.commune_codes(day)
    chosen = find_offices(world, covered)
    offices = [world.land.offices[number] for number in chosen]
    return {
        "office_code": pa.array([office.code for office in offices]),
        "name": pa.array([_name_office(world, number, day) for number in chosen]),
        "kind": pa.array(
            ["branch_office" if _is_head(world, number, day) else "transaction_office" for number in chosen]
        ),
        "commune_code": pa.array([codes[office.seat] for office in offices]),
        "opened_on": pa.array([office.opened_on for office in offices]),
        "closed_on": nothing(len(offices)),
    }


def find_offices(world: World, covered: BoolArray) -> list[int]:
    """Return the numbers of the offices that serve the covered places."""
    return sorted({int(number) for number in world.land.office_of_place[covered]})


def _is_head(world: World, number: int, day: date) -> bool:
    office = world.land.offices[number]
    heads = {other.old_province for other in world.land.offices if other.is_head}
    is_main = day < MERGER_DAY or office.old_province == world.profile.branch or world.profile.branch not in heads
    return office.is_head and is_main


def _name_office(world: World, number: int, day: date) -> str:
    office = world.land.offices[number]
    district = office.district_name[0].lower() + office.district_name[1:]
    if _is_head(world, number, day):
        return f"Hội sở NHCSXH {office.province_name}, {district}"
    return f"Phòng giao dịch NHCSXH {district}"


def write_points(world: World, day: date, covered: BoolArray) -> Columns:
    """Transaction points; one of several in a new commune is primary."""
    land = world.land
    chosen = np.flatnonzero(covered[land.point_place])
    place = land.point_place[chosen]
    codes = np.array(world.commune_codes(day))
    primary = land.point_is_primary[chosen].copy()
    if day >= MERGER_DAY:
        _, first = np.unique(codes[place], return_index=True)
        primary[:] = 0
        primary[first] = 1
    names = [
        "Điểm giao dịch " + land.places[number].old_name[0].lower() + land.places[number].old_name[1:]
        for number in place
    ]
    return {
        "point_code": pick(land.point_codes, chosen),
        "office_code": pick(world.office_codes, land.office_of_place[place]),
        "commune_code": pick(list(codes), place),
        "name": pa.array(names, pa.string()),
        "day_of_month": write_integers(land.point_days[chosen]),
        "is_primary": write_integers(primary),
        "status": pick(("open",), np.zeros(chosen.size, dtype=np.int64)),
        "opened_on": write_days(land.point_opened[chosen]),
        "closed_on": nothing(chosen.size),
    }


def write_groups(world: World, day: date, covered: BoolArray) -> Columns:
    """Savings groups, graded last month, with the members they have on the day."""
    land, people = world.land, world.people
    chosen = np.flatnonzero(covered[land.group_place])
    place = land.group_place[chosen]
    known = (world.first_day <= np.datetime64(day)) & (people.group >= 0)
    members = np.bincount(people.group[known], minlength=land.group_size.size)
    leader = np.full(land.group_size.size, -1)
    ordered = np.flatnonzero(known)[::-1]
    leader[people.group[ordered]] = ordered
    month = (day.replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
    return {
        "group_code": pick(land.group_codes, chosen),
        "office_code": pick(world.office_codes, land.office_of_place[place]),
        "commune_code": pick(world.commune_codes(day), place),
        "hamlet_code": write_hamlets(world, place, land.group_hamlet[chosen]),
        "point_code": pick(land.point_codes, land.point_of_place[place]),
        "organisation_code": pick(ORGANISATIONS, land.group_organisation[chosen]),
        "leader_customer_id": world.customer_codes.take(pa.array(leader[chosen], mask=leader[chosen] < 0)),
        "members": write_integers(np.clip(members[chosen], 5, 60)),
        "founded_on": write_days(land.group_founded[chosen]),
        "grade": pick(_GRADES, land.group_grade[chosen]),
        "graded_month": pick((month,), np.zeros(chosen.size, dtype=np.int64)),
        "status": pick(("active",), np.zeros(chosen.size, dtype=np.int64)),
    }


def write_hamlets(world: World, place: IntArray, hamlet: IntArray) -> Column:
    """Hamlets keep their code: that of the commune they had before the merger, and a number; none where below 1."""
    old_codes = [home.old_code for home in world.land.places]
    return blank(write_codes(pick(old_codes, place), np.maximum(hamlet, 0), 2), hamlet < 1)


def write_customers(world: World, day: date, covered: BoolArray) -> Columns:
    """Customers known on the day: all who have or had a loan in the sample's time."""
    people, land = world.people, world.land
    moment = np.datetime64(day)
    chosen = np.flatnonzero(covered[people.place] & (world.first_day <= moment))
    group, place = people.group[chosen], people.place[chosen]
    residence, changed_on = _read_residence(world, moment)
    number = pa.array(chosen)
    prefix = f"{_NATIONAL_ID_PREFIX}{land.unit[-2:]}"
    numbers = write_codes(pick((prefix,), np.zeros(chosen.size, dtype=np.int64)), chosen, 7)
    phones = write_codes(pick((_PHONE_PREFIX,), np.zeros(chosen.size, dtype=np.int64)), chosen, 7)
    return {
        "customer_id": world.customer_codes.take(number),
        "office_code": pick(world.office_codes, world.office_of_customer[chosen]),
        "full_name": pick(people.full_name, people.name_place[chosen]),
        "birth_date": write_days(people.born_on[chosen]),
        "sex": pick(SEXES, people.sex[chosen]),
        "ethnic_code": pick(people.ethnic_codes, people.ethnic[chosen]),
        "national_id": numbers,
        "phone": blank(phones, chosen % 5 == 0),
        "commune_code": pick(world.commune_codes(day), place),
        "hamlet_code": write_hamlets(world, place, np.where(group >= 0, land.group_hamlet[group], 0)),
        "group_code": pick(land.group_codes, group),
        "beneficiary_class": pick(_CLASSES, _read_class(world)[chosen]),
        "residence": pick(_RESIDENCES, residence[chosen]),
        "changed_at": write_moments(changed_on[chosen], people.changed_second[chosen]),
    }


def _read_class(world: World) -> IntArray:
    by_programme = np.array([_CLASS_OF_PROGRAMME.get(code, 3) for code in CODES])
    found = np.full(world.people.size, 3)
    np.minimum.at(found, world.book.customer, by_programme[world.book.programme])
    return found


def _read_residence(world: World, moment: np.datetime64) -> tuple[IntArray, DayArray]:
    """Return where each customer is, and the day the record last changed."""
    people, cases = world.people, world.absconded
    residence = np.where(np.arange(people.size) % 997 == 5, 3, np.where(np.arange(people.size) % 1499 == 7, 2, 0))
    changed = np.maximum(people.changed_on, np.minimum(world.first_day, moment))
    is_known = cases.registered_on <= moment
    is_over = is_known & (cases.closed_on <= moment)
    residence[cases.customer[is_over]] = 0
    residence[cases.customer[is_known & ~is_over]] = 1
    np.maximum.at(changed, cases.customer[is_known], cases.registered_on[is_known])
    np.maximum.at(changed, cases.customer[is_over], cases.closed_on[is_over])
    return residence, changed
