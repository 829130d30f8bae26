"""The registers beside the loans: people who left, people entitled to a loan, and inspections."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np

from samples.book import NEW, STAY, Book
from samples.calendar import ONE_DAY, Window
from samples.contradictions import STEM_BEGINS
from samples.fit import BoolArray, DayArray, IntArray, choose, stream
from samples.people import People
from samples.programmes import INDEX, MILLION
from samples.setting import Setting
from samples.stories import NEVER, Debt

OPEN_STATUSES = ("left", "wilful", "acknowledged")
CLOSED_STATUSES = ("returned", "settled", "written_off", "handed_over")
ADDRESSES = ("exact", "vague", "none")
DEMAND_KINDS = (("worker_abroad", "4"), ("job", "3"), ("water_sanitation", "6"), ("social_housing", "12"),
                ("stem_student", "27"))  # fmt: skip
DEMAND_STATUSES = ("identified", "applied", "approved", "disbursed", "refused", "not_interested")
DISBURSED, APPROVED = DEMAND_STATUSES.index("disbursed"), DEMAND_STATUSES.index("approved")
_STEM_BEGINS = np.datetime64(STEM_BEGINS)
_DEMAND_PER_CUSTOMER = {"job": 1 / 60, "water_sanitation": 1 / 35, "social_housing": 1 / 450}


@dataclass
class Absconded:
    """One element a case; a person can have more than one. `status` points into open, then closed statuses."""

    customer: IntArray
    left_on: DayArray
    registered_on: DayArray
    closed_on: DayArray
    status: IntArray
    address: IntArray
    recovered: IntArray
    second: IntArray


@dataclass
class Demand:
    """One element a case. `loan` is -1 where nothing was lent; until the loan's day its case is only approved."""

    kind: IntArray
    place: IntArray
    as_of: DayArray
    status: IntArray
    need: IntArray
    loan: IntArray


@dataclass
class Inspections:
    """One element an inspection. `body` 0 board, 1 bank, 2 organisation."""

    body: IntArray
    is_province: BoolArray
    place: IntArray
    inspected_on: DayArray
    organisation: IntArray
    groups: IntArray
    households: IntArray
    findings: IntArray
    misuse: IntArray
    fixed_on: DayArray


def build_absconded(setting: Setting, people: People, book: Book, debt: Debt) -> Absconded:
    """Register those who left: open cases as planned (some persons with two), and a few that are closed again."""
    plan, window, rng = setting.plan, setting.window, setting.stream("absconded")
    oldest = np.full(people.size, window.last)
    np.minimum.at(oldest, book.customer, book.disbursed_on)
    stays = np.bincount(book.customer[book.find(STAY)], minlength=people.size) > 0
    able = stays & ((window.first - oldest) / ONE_DAY > 120)
    troubled = np.bincount(book.customer, weights=debt.overdue + debt.frozen, minlength=people.size) > 0
    cases = plan.count("absconded_cases")
    persons = max(1, cases - cases // 50) if cases else 0
    in_trouble = choose(rng, np.flatnonzero(able & troubled), persons * 45 // 100)
    others = choose(rng, np.flatnonzero(able & ~troubled), persons - in_trouble.size)
    persons_open = np.concatenate([in_trouble, others])
    again = choose(rng, persons_open, cases - persons_open.size)
    rest = np.setdiff1d(np.flatnonzero(able), persons_open)
    ended = choose(rng, rest, cases * 4 // 100)
    customer = rng.permutation(np.concatenate([persons_open, again, ended]))
    is_ended = np.isin(customer, ended)
    is_fresh = rng.random(customer.size) < min(0.05, 0.025 * window.quarters)
    fresh_day = window.first + rng.integers(1, window.days + 1, customer.size) * ONE_DAY
    gone_for = (rng.beta(1.1, 1.6, customer.size) * 2100).astype(np.int64) + 10
    left = np.where(is_fresh, fresh_day - (20 + gone_for % 180) * ONE_DAY, window.first - gone_for * ONE_DAY)
    left = np.maximum(left, oldest[customer] + 30 * ONE_DAY)
    registered = np.where(is_fresh, fresh_day, np.minimum(left + 30 * ONE_DAY, window.first))
    closed = np.minimum(registered + rng.integers(20, 400, customer.size) * ONE_DAY, window.last)
    status = np.where(
        is_ended, len(OPEN_STATUSES) + rng.choice(4, customer.size, p=(0.6, 0.25, 0.05, 0.1)),
        rng.choice(3, customer.size, p=(0.74, 0.1, 0.16)),
    )  # fmt: skip
    # One in four of those who came back is not closed yet: returned, and so no longer counted as open.
    lingers = is_ended & (status == len(OPEN_STATUSES)) & (rng.random(customer.size) < 0.25)
    return Absconded(
        customer=customer,
        left_on=left,
        registered_on=registered,
        closed_on=np.where(is_ended & ~lingers, closed, NEVER),
        status=status,
        address=rng.choice(3, customer.size, p=(0.25, 0.4, 0.35)),
        recovered=rng.choice(np.array([0, 0, 0, 1, 2, 5]), customer.size) * MILLION,
        second=rng.integers(8 * 3600, 16 * 3600, customer.size),
    )


def build_demand(setting: Setting, people: People, book: Book, places: IntArray) -> Demand:
    """List those entitled: workers abroad as printed, the other programmes in proportion, STEM from its decision on."""
    plan, window, rng = setting.plan, setting.window, setting.stream("demand")
    counts = {"worker_abroad": plan.count("workers_abroad_identified")}
    counts |= {kind: max(1, int(plan.count("customers") * share)) for kind, share in _DEMAND_PER_CUSTOMER.items()}
    counts["stem_student"] = plan.count("stem_students_identified")
    parts: list[Demand] = []
    for number, (kind, _) in enumerate(DEMAND_KINDS):
        count = counts[kind]
        loans = _find_lent(rng, book, kind, window.year_start, count)
        open_ = count - loans.size
        drawn = rng.choice(np.array([0, 1, 2, 4, 5]), open_, p=(0.46, 0.2, 0.06, 0.08, 0.2))
        days = _draw_as_of(rng, window, count)
        if kind == "stem_student" and count:
            start = max(window.first + ONE_DAY, _STEM_BEGINS)
            span = int((window.last - start) / ONE_DAY) + 1
            days = start + rng.integers(0, span, count) * ONE_DAY
            drawn %= 3
        lent_days = book.disbursed_on[loans]
        days[: loans.size] = np.minimum(days[: loans.size], lent_days - rng.integers(5, 60, loans.size) * ONE_DAY)
        need = rng.integers(20, 120 if kind == "worker_abroad" else 60, count) * MILLION
        need[: loans.size] = book.approved[loans]
        parts.append(
            Demand(
                kind=np.full(count, number),
                place=np.concatenate([people.place[book.customer[loans]], rng.choice(places, open_)]),
                as_of=days,
                status=np.concatenate([np.full(loans.size, DISBURSED), drawn]),
                need=need,
                loan=np.concatenate([loans, np.full(open_, -1)]),
            )
        )
    names = ("kind", "place", "as_of", "status", "need", "loan")
    return Demand(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _find_lent(rng: np.random.Generator, book: Book, kind: str, year_start: np.datetime64, count: int) -> IntArray:
    """Return the loans of this year that stand behind the disbursed cases of a kind."""
    if kind == "worker_abroad":
        return np.flatnonzero(book.is_abroad)
    this_year = np.isin(book.role, (NEW, STAY)) & (book.disbursed_on >= year_start)
    return choose(rng, np.flatnonzero(this_year & (book.programme == INDEX[dict(DEMAND_KINDS)[kind]])), count * 3 // 10)


def _draw_as_of(rng: np.random.Generator, window: Window, count: int) -> DayArray:
    """Most cases were known before the window; about 3 % a quarter come to light inside it."""
    start = min(window.year_start, window.first - 90 * ONE_DAY)
    span = int((window.first - start) / ONE_DAY)
    days = start + rng.integers(0, span + 1, count) * ONE_DAY
    is_fresh = rng.random(count) < min(0.06, 0.03 * window.quarters)
    fresh = window.first + rng.integers(1, window.days + 1, count) * ONE_DAY
    found: DayArray = np.where(is_fresh, fresh, days)
    return found


def build_inspections(places: int, dates: tuple[date, ...], seed: int) -> Inspections:
    """Lay out inspections so that the file (this calendar year and the last) never jumps by a tenth."""
    rng = stream(seed, "inspections")
    days = _draw_inspection_days(rng, max(4.0, places * 0.75), dates)
    count = days.size
    body = rng.choice(3, count, p=(0.1, 0.3, 0.6))
    findings = rng.poisson(0.35, count)
    fixed = days + rng.integers(7, 75, count) * ONE_DAY
    return Inspections(
        body=body,
        is_province=(body == 1) | ((body == 0) & (rng.random(count) < 0.4)),
        place=rng.integers(0, places, count),
        inspected_on=days,
        organisation=rng.integers(0, 4, count),
        groups=rng.integers(1, 8, count),
        households=rng.integers(5, 45, count),
        findings=findings,
        misuse=np.minimum(findings, rng.poisson(0.06, count)),
        fixed_on=np.where((findings > 0) & (rng.random(count) < 0.8), fixed, NEVER),
    )


def _draw_inspection_days(rng: np.random.Generator, a_month: float, dates: tuple[date, ...]) -> DayArray:
    first = dates[0]
    turns = dates[-1].year > first.year
    before = _days_between(rng, date(first.year - 2, 12, 31), date(first.year - 1, 12, 31), a_month)
    parts = [_days_between(rng, date(first.year - 1, 12, 31), first, a_month)]
    kept = parts[0].size + (0 if turns else before.size)
    for earlier, later in pairwise(dates):
        new = _days_between(rng, earlier, later, a_month)
        if later.year > earlier.year:
            before = before[: new.size]  # the year that falls out: as many as come in at the turn of the year
        else:
            new = new[: kept * 8 // 100]
        kept += new.size
        parts.append(np.sort(new))
    return np.concatenate([before, *parts])


def _days_between(rng: np.random.Generator, after: date, until: date, a_month: float) -> DayArray:
    start, span = np.datetime64(after, "D"), (until - after).days
    days: DayArray = start + rng.integers(1, max(span, 1) + 1, round(a_month * span / 30.4)) * ONE_DAY
    return days
