"""Figures that cannot all be true: found from the ranges that their words allow, and refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from samples.errors import ProfileError
from samples.profile import Profile

Range = tuple[Decimal, Decimal]

HUNDRED = Decimal(100)
MILLION = Decimal(10) ** 6
STEM_BEGINS = date(2025, 8, 28)  # Decision 29/2025

# The left figure can never exceed the right one.
_NEVER_MORE = (
    ("customers", "loans"),
    ("households_reached", "customers"),
    ("overdue_ratio_pct", "overdue_frozen_ratio_pct"),
    ("frozen_ratio_pct", "overdue_frozen_ratio_pct"),
    ("change_from_year_start", "outstanding"),
    ("change_from_year_start", "disbursed"),
    ("outstanding", "capital_total"),
    ("capital_central", "capital_total"),
    ("capital_mobilised", "capital_total"),
    ("capital_local", "capital_total"),
    ("workers_abroad_reached", "workers_abroad_identified"),
    ("workers_abroad_lent", "outstanding"),
    ("workers_abroad_reached", "loans"),
    ("groups", "customers"),
)

# (money, pieces, least, most): what one piece can be worth, in đồng.
_PER_PIECE = (
    ("outstanding", "loans", Decimal("0.5") * MILLION, 95 * MILLION),
    ("outstanding", "customers", Decimal("0.5") * MILLION, 250 * MILLION),
    ("disbursed", "households_reached", MILLION, 95 * MILLION),
    ("workers_abroad_lent", "workers_abroad_reached", 5 * MILLION, 500 * MILLION),
)

# (part, whole, percent): part = whole x percent / 100.
_SHARES = (
    ("capital_local", "capital_total", "local_share_of_capital_pct"),
    ("capital_local", "outstanding", "local_capital_to_outstanding_pct"),
)


def find_contradictions(profile: Profile) -> list[ProfileError]:
    """Return every pair (or triple) of figures that stand against each other, each with its reason."""
    ranges = {name: figure.bounds for name, figure in profile.known.items()}
    finders = (_find_impossible_values, _find_excesses, _find_pieces, _find_products, _find_sums)
    found = [error for finder in finders for error in finder(ranges)]
    return found + list(_find_missing_dates(profile))


def require_no_contradiction(profile: Profile) -> None:
    """Raise the first contradiction, naming the figures."""
    for error in find_contradictions(profile):
        raise error


def _find_impossible_values(ranges: dict[str, Range]) -> Iterator[ProfileError]:
    for name, (low, high) in ranges.items():
        if name.endswith("_pct") and name != "growth_from_year_start_pct" and (low < 0 or high > HUNDRED):
            yield ProfileError((name,), "a share lies between 0 and 100 %")
        elif not name.endswith("_pct") and name != "change_from_year_start" and low < 0:
            yield ProfileError((name,), "it cannot be below 0")


def _find_excesses(ranges: dict[str, Range]) -> Iterator[ProfileError]:
    for less, more in _NEVER_MORE:
        if less in ranges and more in ranges and ranges[less][0] > ranges[more][1]:
            yield ProfileError((less, more), f"{ranges[less][0]:,f} is more than {ranges[more][1]:,f}")
    both = [name for name in ("overdue_ratio_pct", "frozen_ratio_pct") if name in ranges]
    if len(both) == 2 and sum(ranges[name][0] for name in both) > HUNDRED:
        yield ProfileError(("overdue_ratio_pct", "frozen_ratio_pct"), "together they are more than 100 %")
    if {"absconded_cases", "customers"} <= ranges.keys() and (
        ranges["absconded_cases"][0] > ranges["customers"][1] / 2
    ):
        yield ProfileError(("absconded_cases", "customers"), "more than half of the borrowers would have left")


def _find_pieces(ranges: dict[str, Range]) -> Iterator[ProfileError]:
    for money, pieces, least, most in _PER_PIECE:
        if money in ranges and pieces in ranges and ranges[pieces][1] > 0:
            (low, high), (few, many) = ranges[money], ranges[pieces]
            if high / many < least or (few > 0 and low / few > most):
                yield ProfileError(
                    (money, pieces),
                    f"that is {high / many / MILLION:,.2f} m VND each; it lies between {least / MILLION} and "
                    f"{most / MILLION} m",
                )


def _find_products(ranges: dict[str, Range]) -> Iterator[ProfileError]:
    if {"outstanding", "customers", "avg_outstanding_per_customer"} <= ranges.keys():
        pieces, each = ranges["customers"], ranges["avg_outstanding_per_customer"]
        if not _meet(ranges["outstanding"], (pieces[0] * each[0], pieces[1] * each[1])):
            yield ProfileError(
                ("outstanding", "avg_outstanding_per_customer", "customers"),
                "the average times the customers is not the outstanding balance",
            )
    for part, whole, share in _SHARES:
        if {part, whole, share} <= ranges.keys():
            wholes, shares = ranges[whole], ranges[share]
            product = (wholes[0] * shares[0] / HUNDRED, wholes[1] * shares[1] / HUNDRED)
            if not _meet(ranges[part], product):
                yield ProfileError((part, whole, share), "the part is not that share of the whole")
    if {"change_from_year_start", "outstanding", "growth_from_year_start_pct"} <= ranges.keys():
        growth, end = ranges["growth_from_year_start_pct"], ranges["outstanding"]
        grown = (end[0] * growth[0] / (HUNDRED + growth[0]), end[1] * growth[1] / (HUNDRED + growth[1]))
        if not _meet(ranges["change_from_year_start"], grown):
            yield ProfileError(
                ("change_from_year_start", "growth_from_year_start_pct"), "the change is not that growth of the opening"
            )


_SUMS = (
    ("overdue_frozen_ratio_pct", ("overdue_ratio_pct", "frozen_ratio_pct"), "the two do not make the sum"),
    (
        "capital_total",
        ("capital_central", "capital_mobilised", "capital_local"),
        "the three tiers do not make the total",
    ),
)


def _find_sums(ranges: dict[str, Range]) -> Iterator[ProfileError]:
    for whole, parts, reason in _SUMS:
        is_known = {whole, *parts} <= ranges.keys()
        if is_known and not _meet(ranges[whole], _add(*(ranges[part] for part in parts))):
            yield ProfileError((whole, *parts), reason)
    if {"change_from_year_start", "disbursed", "collected"} <= ranges.keys():
        written_off = ranges.get("written_off", (Decimal(0), ranges["disbursed"][1] / 200))
        taken = _add(ranges["collected"], written_off)
        given = ranges["disbursed"]
        if not _meet(ranges["change_from_year_start"], (given[0] - taken[1], given[1] - taken[0])):
            yield ProfileError(
                ("change_from_year_start", "disbursed", "collected"),
                "turnover less collection is not the change in outstanding",
            )


def _find_missing_dates(profile: Profile) -> Iterator[ProfileError]:
    first, last = profile.business_dates[0], profile.business_dates[-1]
    opens_the_year = first == date(last.year - 1, 12, 31)
    for name in ("change_from_year_start", "growth_from_year_start_pct"):
        if name in profile.known and not opens_the_year:
            yield ProfileError(
                (name, "business_dates"), f"it needs a first delivery on {date(last.year - 1, 12, 31).isoformat()}"
            )
    if "stem_students_identified" in profile.known and last < STEM_BEGINS:
        yield ProfileError(("stem_students_identified", "business_dates"), "the programme began on 2025-08-28")


def _meet(one: Range, other: Range) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _add(*ranges: Range) -> Range:
    return sum((low for low, _ in ranges), Decimal(0)), sum((high for _, high in ranges), Decimal(0))
