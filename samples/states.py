"""The loan book at the close of any day: the balances of the last day less what happened after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from samples.book import CLOSED, MISTAKE, NEW, Book
from samples.calendar import ONE_DAY, Window, read_sitting_days
from samples.fit import BoolArray, DayArray, IntArray
from samples.flows import NO_BUCKET, OFFICE, POINT, Flows, is_kind
from samples.programmes import list_rates
from samples.stories import NEVER, Debt


@dataclass
class State:
    """All loans at the close of `day`, in đồng; `is_open` marks those with a balance."""

    day: np.datetime64
    in_term: IntArray
    overdue: IntArray
    frozen: IntArray
    disbursed: IntArray
    interest_due: IntArray
    interest_overdue: IntArray
    overdue_since: DayArray
    unpaid_since: DayArray
    frozen_until: DayArray
    extended_to: DayArray

    @property
    def balance(self) -> IntArray:
        """Outstanding balance of each loan."""
        return self.in_term + self.overdue + self.frozen

    @property
    def is_open(self) -> BoolArray:
        """Whether the loan stands in the loan book."""
        return self.balance > 0


def build_states(book: Book, debt: Debt, flows: Flows, days: tuple[date, ...]) -> list[State]:
    """Return the state at each of `days`, the window's first and last among them."""
    effects = flows.effects()
    lent = np.where(is_kind(flows, "disbursement"), flows.amount, 0)
    rates = np.array([float(rate) for rate in list_rates()[0]])[book.rate_place]
    overdue_rates = np.array([float(rate) for rate in list_rates()[1]])[book.rate_place]
    closing = (book.balance - debt.overdue - debt.frozen, debt.overdue, debt.frozen)
    gone = np.isin(book.role, (CLOSED, MISTAKE))
    states = []
    for moment in days:
        day = np.datetime64(moment, "D")
        later = flows.day > day

        def undo(change: IntArray, later: BoolArray = later) -> IntArray:
            total = np.bincount(flows.loan[later], weights=change[later], minlength=book.size)
            return np.round(total).astype(np.int64)

        in_term, overdue, frozen = (
            np.where(gone, 0, end) - undo(change) for end, change in zip(closing, effects, strict=True)
        )
        is_overdue, is_frozen = overdue > 0, frozen > 0
        slipped = debt.slipped_on <= day
        since = np.where(is_overdue, debt.overdue_since, NEVER)
        late_days = (np.where(is_overdue, day - debt.overdue_since, 0 * ONE_DAY)) / ONE_DAY
        accrued = np.minimum((day - book.disbursed_on) / ONE_DAY, 20 + book.customer % 11)
        states.append(
            State(
                day=day,
                in_term=in_term,
                overdue=overdue,
                frozen=frozen,
                disbursed=book.disbursed - undo(lent),
                interest_due=np.round(in_term * rates * np.maximum(accrued, 0) / 36500).astype(np.int64),
                interest_overdue=np.round(overdue * overdue_rates * np.minimum(late_days, 1095) / 36500).astype(
                    np.int64
                ),
                overdue_since=since,
                unpaid_since=np.where(
                    is_overdue | is_frozen, debt.unpaid_since, np.where(slipped, debt.slipped_on, NEVER)
                ),
                frozen_until=np.where(is_frozen, debt.frozen_until, NEVER),
                extended_to=np.where(debt.extended_on <= day, debt.extended_to, NEVER),
            )
        )
    return states


@dataclass(frozen=True)
class PayingHabits:
    """When and where each loan pays: its point's sitting day, the office for direct loans, and for how long."""

    point_days: IntArray
    is_direct: BoolArray
    last_days: DayArray


def collect_interest(
    rng: np.random.Generator, book: Book, opening: State, habits: PayingHabits, window: Window
) -> Flows:
    """Let every loan in term pay its month's interest on its point's sitting day: the group head's monthly lump.

    Loans overdue or frozen at the beginning pay nothing, the others until their last paying day.
    """
    rates = np.array([float(rate) for rate in list_rates()[0]])[book.rate_place]
    base = np.where(book.role == NEW, book.lent, np.where(opening.overdue + opening.frozen > 0, 0, opening.in_term))
    monthly = np.round(base * rates / 1200).astype(np.int64)
    loans, days, amounts = [], [], []
    for month in window.months:
        sitting, is_inside = read_sitting_days(window, month, habits.point_days)
        pays = is_inside & (monthly > 0) & (sitting <= habits.last_days) & (sitting - book.disbursed_on > 15 * ONE_DAY)
        chosen = np.flatnonzero(pays & (rng.random(book.size) < 0.97) & (book.role != MISTAKE))
        loans.append(chosen)
        days.append(sitting[chosen])
        amounts.append(monthly[chosen])
    loan = np.concatenate(loans)
    count = loan.size
    return Flows(
        loan=loan,
        day=np.concatenate(days),
        kind=np.full(count, 2),
        bucket=np.full(count, NO_BUCKET),
        amount=np.concatenate(amounts),
        channel=np.where(habits.is_direct[loan], OFFICE, POINT),
        reverses=np.full(count, -1),
        source=np.full(count, -1),
    )
