"""One sample as a whole: everything that its deliveries are cut from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from samples.book import CLOSED, Book, build_book, count_closed
from samples.calendar import Window, window_of
from samples.capital import Capital, build_capital
from samples.columns import Column, pick, write_codes
from samples.fit import BoolArray, DayArray, IntArray
from samples.flows import Flows, is_kind
from samples.people import People, build_people, count_direct
from samples.places import MERGER_DAY, select_localities
from samples.plan import Plan, make_plan
from samples.profile import Profile
from samples.programmes import SOURCES
from samples.registers import Absconded, Demand, Inspections, build_absconded, build_demand, build_inspections
from samples.setting import Setting
from samples.sources import DISTRICT, DISTRICT_MONEY_ENDS, PROVINCE, read_sources
from samples.states import PayingHabits, State, build_states, collect_interest
from samples.stories import Debt, StoryTeller
from samples.territory import Territory, build_territory


@dataclass
class World:
    """People, loans, events and registers of one profile."""

    profile: Profile
    plan: Plan
    window: Window
    land: Territory
    people: People
    book: Book
    debt: Debt
    flows: Flows
    states: dict[date, State]
    capital: Capital
    absconded: Absconded
    demand: Demand
    inspections: Inspections

    @cached_property
    def office_codes(self) -> list[str]:
        """Codes of all offices, in their numbering."""
        return [office.code for office in self.land.offices]

    @cached_property
    def office_of_customer(self) -> IntArray:
        """Number of each customer's office."""
        return self.land.office_of_place[self.people.place]

    @cached_property
    def customer_codes(self) -> Column:
        """Code of each customer: its office's code and a running number."""
        return write_codes(pick(self.office_codes, self.office_of_customer), np.arange(self.people.size), 7)

    @cached_property
    def contract_codes(self) -> Column:
        """Number of each contract; one in two hundred is used again for another customer."""
        numbers = np.arange(self.book.size)
        offices = self.office_of_customer[self.book.customer]
        again = np.arange(200, self.book.size, 200)
        earlier = again - 1
        differs = self.book.customer[again] != self.book.customer[earlier]
        numbers[again[differs]] = earlier[differs]
        offices[again[differs]] = offices[earlier[differs]]
        return write_codes(pick([f"66{code}" for code in self.office_codes], offices), numbers, 7)

    @cached_property
    def place_of_loan(self) -> IntArray:
        """Number of the place of each loan: its customer's."""
        return self.people.place[self.book.customer]

    @cached_property
    def first_day(self) -> DayArray:
        """The day from which each customer is known: that of the first loan."""
        first = np.full(self.people.size, self.window.last)
        np.minimum.at(first, self.book.customer, self.book.disbursed_on)
        return first

    def commune_codes(self, day: date) -> list[str]:
        """Official code of each place's commune, as valid on `day`."""
        return [place.old_code if day < MERGER_DAY else place.new_code for place in self.land.places]

    def covers(self, branch: str, day: date) -> BoolArray:
        """Return which places belong to `branch` on `day`."""
        if day >= MERGER_DAY:
            return np.array([place.new_province == branch for place in self.land.places])
        return np.array([place.old_province == branch for place in self.land.places])


def build_world(profile: Profile, seed: int, progress: Callable[[str], None]) -> World:
    """Make everything a profile asks for. Raises ProfileError."""
    plan = make_plan(profile)
    window = window_of(profile.business_dates)
    setting = Setting(plan, window, seed)
    places = select_localities(profile.branch, profile.business_dates[-1])
    borrowers, leaving = plan.count("customers"), sum(count_closed(plan)) * 3 // 10
    size = borrowers + leaving
    land = build_territory(places, size - count_direct(size), setting)
    people = build_people(borrowers, leaving, land, setting, profile.ethnic_shares)
    progress(f"{people.size:,} people in {land.group_size.size:,} groups, {len(land.offices)} offices")
    point_days = land.point_days[land.point_of_place[people.place]]
    is_direct = people.group < 0
    book = build_book(setting, people, point_days, profile.programme_weights)
    debt, events = StoryTeller(book, setting, point_days, is_direct).tell()
    absconded = build_absconded(setting, people, book, debt)
    opening = build_states(book, debt, events, profile.business_dates[:1])[0]
    last_days = _find_last_paying_days(book, people, events, absconded, window)
    habits = PayingHabits(point_days[book.customer], is_direct[book.customer], last_days)
    interest = collect_interest(setting.stream("interest"), book, opening, habits, window)
    flows = _join(events, interest, _hand_over_loans(book, debt, events, window)).sorted_by_day()
    states = build_states(book, debt, flows, profile.business_dates)
    progress(f"{book.size:,} loans, {flows.size:,} transactions")
    lent = _sum_by_source(book, states[-1], land.office_of_place[people.place], len(land.offices), profile)
    used = np.unique(people.place)
    return World(
        profile=profile,
        plan=plan,
        window=window,
        land=land,
        people=people,
        book=book,
        debt=debt,
        flows=flows,
        states=dict(zip(profile.business_dates, states, strict=True)),
        capital=build_capital(setting, lent),
        absconded=absconded,
        demand=build_demand(setting, people, book, used),
        inspections=build_inspections(len(places), profile.business_dates, seed),
    )


def _find_last_paying_days(book: Book, people: People, events: Flows, absconded: Absconded, window: Window) -> DayArray:
    """Interest stops on the day a loan is paid off, and with its borrower's leaving."""
    last = np.full(book.size, window.last)
    ends = is_kind(events, "principal", "write_off") & (book.role[events.loan] == CLOSED)
    np.minimum.at(last, events.loan[ends], events.day[ends])
    late = is_kind(events, "to_overdue", "to_frozen")
    np.minimum.at(last, events.loan[late], events.day[late])
    left = np.full(people.size, window.last)
    np.minimum.at(left, absconded.customer, absconded.left_on)
    days: DayArray = np.minimum(last, left[book.customer])
    return days


def _hand_over_loans(book: Book, debt: Debt, events: Flows, window: Window) -> list[Flows]:
    """Re-book district money as the province's on 2025-06-30: out and in of the same contract, no balance moves."""
    if not window.first < DISTRICT_MONEY_ENDS <= window.last:
        return []
    state = build_states(book, debt, events, (DISTRICT_MONEY_ENDS.astype(date),))[0]
    parts = []
    for bucket, balance in enumerate((state.in_term, state.overdue, state.frozen)):
        loans = np.flatnonzero((book.source == DISTRICT) & (balance > 0))
        for kind, source in ((10, DISTRICT), (9, PROVINCE)):
            full = np.ones(loans.size, dtype=np.int64)
            parts.append(
                Flows(loans, np.full(loans.size, DISTRICT_MONEY_ENDS), full * kind, full * bucket, balance[loans],
                      full * 3, full * -1, full * source)
            )  # fmt: skip
    return parts


def _join(events: Flows, interest: Flows, more: list[Flows]) -> Flows:
    parts = [events, interest, *more]
    names = ("loan", "day", "kind", "bucket", "amount", "channel", "reverses", "source")
    return Flows(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _sum_by_source(book: Book, state: State, office: IntArray, offices: int, profile: Profile) -> IntArray:
    """Return the outstanding balance by (loan source, office), đồng."""
    total = np.zeros((len(SOURCES), offices), dtype=np.int64)
    source = read_sources(book.source, profile.business_dates[-1])
    np.add.at(total, (source, office[book.customer]), state.balance)
    return total
