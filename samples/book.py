"""The loans of a sample: who owes what at the last date, fitted to the plan to the đồng.

Loans are numbered once for the whole sample: first loan of each customer, further loans, loans paid off inside the
window, and a few contracts entered by mistake and reversed. Amounts are đồng at the close of the last business date;
the events (`stories`) are what leads there, so that every earlier state follows by subtraction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from samples.calendar import ONE_DAY, Window, add_months, draw_days
from samples.errors import ProfileError
from samples.fit import BoolArray, CannotFitError, DayArray, IntArray, choose, fit_sum, mask_of
from samples.people import People
from samples.plan import Plan
from samples.programmes import (
    ABROAD,
    INDEX,
    MILLION,
    PROGRAMMES,
    STUDENTS,
    draw_programmes,
    draw_terms,
    read_bounds,
    read_earliest,
    read_rates,
)
from samples.setting import Setting
from samples.sources import draw_sources, settle_pairs

STAY, NEW, TRANCHE, CLOSED, MISTAKE = range(5)

_STEP = 100_000
_LEAST = 500_000
_FEW = 20


@dataclass
class Book:
    """One element a loan. Days are `datetime64[D]`, money đồng at the end of the sample."""

    role: IntArray
    customer: IntArray
    programme: IntArray
    source: IntArray
    term: IntArray
    disbursed_on: DayArray
    maturity_on: DayArray
    approved: IntArray
    disbursed: IntArray
    lent: IntArray  # disbursed inside the window
    repaid: IntArray  # principal collected inside the window
    balance: IntArray
    rate_place: IntArray
    is_abroad: BoolArray  # lent this year to a worker going abroad
    is_at_point: BoolArray  # a new loan handed out at the transaction point

    @property
    def size(self) -> int:
        """Number of loans that exist at any time in the sample."""
        return self.role.size

    def find(self, *roles: int) -> IntArray:
        """Return the numbers of the loans in these roles."""
        return np.flatnonzero(np.isin(self.role, roles))

    def redate(self, loans: IntArray, maturity: DayArray) -> IntArray:
        """Let loans mature on another day where cap and start of the programme then allow it; return those moved."""
        disbursed_on = add_months(maturity, -self.term[loans])
        _, _, cap = read_bounds(self.programme[loans], disbursed_on)
        moved = (self.approved[loans] <= cap) & (disbursed_on >= read_earliest(self.programme[loans]))
        chosen = loans[moved]
        self.disbursed_on[chosen] = disbursed_on[moved]
        self.maturity_on[chosen] = maturity[moved]
        self.rate_place[chosen] = read_rates(self.programme[chosen], self.disbursed_on[chosen])
        return chosen


def build_book(setting: Setting, people: People, point_days: IntArray, weights: Mapping[str, float]) -> Book:
    """Make the loans. `point_days` is the sitting day of each customer's point. Raises ProfileError."""
    plan, window, rng = setting.plan, setting.window, setting.stream("book")
    role, customer = _hand_out_roles(rng, plan, people, window)
    size = role.size
    is_local = rng.random(size) < _local_chance(plan)
    programme = draw_programmes(rng, is_local, False, weights, window.first)
    fresh = np.isin(role, (NEW, MISTAKE))
    programme[fresh] = draw_programmes(rng, is_local[fresh], True, weights, window.first)
    if int(fresh.sum()) < _FEW:  # so few that one programme's cap could stand against the turnover
        programme[fresh], is_local[fresh] = INDEX["19"], False
    is_abroad = _mark_abroad(rng, plan, role, programme, window)
    is_local &= np.isin(programme, [n for n, p in enumerate(PROGRAMMES) if p.local_weight])
    programme[role == TRANCHE], is_local[role == TRANCHE] = STUDENTS, False
    source = draw_sources(rng, is_local, window)
    unit = people.old_province[customer]
    settle_pairs(programme, source, unit, role == STAY)
    term = draw_terms(rng, programme)
    days, is_at_point = draw_days(rng, window, point_days[customer])
    age = _draw_ages(rng, role, programme, term, window)
    disbursed_on = np.where(fresh, days, window.last - age * ONE_DAY)
    _draw_days_abroad(rng, disbursed_on, is_abroad & (role == STAY), window)
    book = Book(
        role=role,
        customer=customer,
        programme=programme,
        source=source,
        term=term,
        disbursed_on=disbursed_on,
        maturity_on=add_months(disbursed_on, term),
        approved=np.zeros(size, dtype=np.int64),
        disbursed=np.zeros(size, dtype=np.int64),
        lent=np.zeros(size, dtype=np.int64),
        repaid=np.zeros(size, dtype=np.int64),
        balance=np.zeros(size, dtype=np.int64),
        rate_place=read_rates(programme, disbursed_on),
        is_abroad=is_abroad,
        is_at_point=is_at_point,
    )
    _fit_new_loans(rng, book, plan)
    _fit_standing_loans(rng, book, plan)
    _fit_closed_loans(rng, book, plan)
    return book


def count_closed(plan: Plan) -> tuple[int, int]:
    """Return how many loans are paid off and how many written off inside the window."""
    paid = plan.money("collected") * 62 // 100
    mean = max(MILLION, plan.money("outstanding") // max(1, plan.count("loans")) * 11 // 20)
    return (max(1, paid // mean) if paid >= 2 * MILLION else 0), -(-plan.money("written_off") // (8 * MILLION))


def _hand_out_roles(rng: np.random.Generator, plan: Plan, people: People, window: Window) -> tuple[IntArray, IntArray]:
    loans, reached = plan.count("loans"), plan.count("households_reached")
    extra = loans - people.borrowers
    spread = rng.permutation(np.repeat(np.arange(people.borrowers), max(2, -(-extra // people.borrowers))))[:extra]
    chosen = choose(rng, np.arange(people.borrowers), reached)
    role = np.full(loans, STAY)
    role[chosen] = np.where(rng.random(chosen.size) < 0.06, TRANCHE, NEW)
    again = people.borrowers + np.flatnonzero(mask_of(people.borrowers, chosen)[spread])
    role[choose(rng, again, again.size // 12)] = NEW
    paid, lost = count_closed(plan)
    mistakes = max(1, round(12 * window.quarters * reached / 7000))
    closed_owner = np.concatenate(
        [
            choose(rng, chosen, paid + lost - people.leaving - (paid + lost) // 5),
            choose(rng, np.arange(people.borrowers), (paid + lost) // 5),
            people.borrowers + np.arange(people.leaving),
        ]
    )
    # Few reached customers: the rest of the paid-off loans belong to anybody.
    missing = paid + lost - closed_owner.size
    owners = [np.concatenate([np.arange(people.borrowers), spread]), closed_owner, *_anybody(rng, people, missing)]
    owners.append(choose(rng, np.setdiff1d(np.arange(people.borrowers), chosen), mistakes))
    roles = [role, np.full(paid + lost, CLOSED), np.full(owners[-1].size, MISTAKE)]
    return np.concatenate(roles), np.concatenate(owners)


def _anybody(rng: np.random.Generator, people: People, count: int) -> list[IntArray]:
    return [rng.integers(0, people.borrowers, count)] if count > 0 else []


def _local_chance(plan: Plan) -> float:
    """Local loans are larger than central ones, so fewer make the same share of the balance."""
    share = float(plan.values["local_share_of_outstanding_pct"]) / 100
    return min(1.0, share * (0.85 + 0.15 * share))


def _mark_abroad(
    rng: np.random.Generator, plan: Plan, role: IntArray, programme: IntArray, window: Window
) -> BoolArray:
    """Choose the loans of this year to workers abroad: inside the window and, where the year is older, before it."""
    reached = plan.count("workers_abroad_reached")
    elapsed = max(1, int((window.last - window.year_start) / ONE_DAY) + 1)
    inside = min(1.0, window.days / elapsed)
    candidates = np.flatnonzero(role == NEW)
    new = choose(rng, candidates, min(round(reached * inside), candidates.size // 4))
    old = choose(rng, np.flatnonzero(role == STAY), reached - new.size if inside < 1 else 0)
    missing = reached - new.size - old.size
    if missing > 0:
        new = np.union1d(new, choose(rng, np.setdiff1d(candidates, new), missing))
    if new.size + old.size < reached:
        raise ProfileError(
            ("workers_abroad_reached", "households_reached"), "more workers were reached than households borrowed"
        )
    marked = mask_of(role.size, np.concatenate([new, old]))
    programme[marked] = ABROAD
    return marked


def _draw_ages(
    rng: np.random.Generator, role: IntArray, programme: IntArray, term: IntArray, window: Window
) -> IntArray:
    """Draw the age in days at the last date so that no loan that stays is past its maturity then."""
    latest = np.maximum((term * 304) // 10 - 15, window.days + 2)
    latest = np.minimum(latest, ((window.last - read_earliest(programme)) / ONE_DAY).astype(np.int64))
    least = np.full(role.size, window.days + 1)
    least[programme == ABROAD] = max(window.days + 1, int((window.last - window.year_start) / ONE_DAY) + 1)
    stopped = np.isin(programme, [n for n, p in enumerate(PROGRAMMES) if not p.is_lending and n != ABROAD])
    least[stopped] = np.maximum(1500, window.days + 1)
    least[role == TRANCHE] = window.days + 120
    return rng.integers(np.minimum(least, latest), latest + 1)


def _draw_days_abroad(rng: np.random.Generator, disbursed_on: DayArray, before: BoolArray, window: Window) -> None:
    """Workers reached this year before the window: lent to between New Year and its first day."""
    span = max(0, int((window.first - window.year_start) / ONE_DAY))
    disbursed_on[before] = window.year_start + rng.integers(0, span + 1, int(before.sum())) * ONE_DAY


def _fit_new_loans(rng: np.random.Generator, book: Book, plan: Plan) -> None:
    """Lend the turnover of the window: new loans, tranches to students, and the workers abroad as printed."""
    abroad = np.flatnonzero(book.is_abroad)
    mean = plan.money("workers_abroad_lent") / max(1, abroad.size)
    book.lent[abroad] = fit_sum(
        rng.normal(mean, mean * 0.12, abroad.size), int(mean * 0.6), int(mean * 1.5) + 1,
        plan.money("workers_abroad_lent") if abroad.size else 0, MILLION,
    )  # fmt: skip
    loans = book.find(NEW, TRANCHE)
    low, usual, cap = read_bounds(book.programme[loans], book.disbursed_on[loans])
    is_tranche = book.role[loans] == TRANCHE
    low, usual = np.where(is_tranche, 2 * MILLION, low), np.where(is_tranche, 9 * MILLION, usual)
    cap = np.where(is_tranche, 16 * MILLION, cap)
    fixed = book.is_abroad[loans]
    low, cap = np.where(fixed, book.lent[loans], low // 2), np.where(fixed, book.lent[loans], cap)
    start = rng.normal(usual, usual * 0.25)
    try:
        amounts = fit_sum(start, low, cap, plan.money("disbursed"), MILLION)
    except CannotFitError as reason:
        raise ProfileError(("disbursed", "households_reached"), f"no loans inside the caps make it: {reason}") from None
    book.lent[loans] = amounts
    whole = np.union1d(abroad, loans[~is_tranche])
    book.disbursed[whole] = book.balance[whole] = book.lent[whole]
    book.approved[whole] = -(-book.lent[whole] // MILLION) * MILLION  # approvals are in whole millions
    book.lent[abroad[book.role[abroad] == STAY]] = 0


def _fit_standing_loans(rng: np.random.Generator, book: Book, plan: Plan) -> None:
    """Give the older loans what is left of the outstanding balance, central and local apart."""
    local_share = plan.values["local_share_of_outstanding_pct"] / 100
    local = int(plan.money("outstanding") * local_share)
    for is_local, total in ((False, plan.money("outstanding") - local), (True, local)):
        chosen = (book.source > 0) == is_local
        settled = chosen & ((book.role == NEW) | book.is_abroad)
        loans = np.flatnonzero(chosen & np.isin(book.role, (STAY, TRANCHE)) & ~book.is_abroad)
        needed = total - int(book.balance[settled].sum())
        low, usual, cap = read_bounds(book.programme[loans], book.disbursed_on[loans])
        low = np.maximum(low, book.lent[loans] + MILLION)
        cap = np.maximum(cap, low)
        wish = min(max(needed * 5 // 4, int(low.sum())), int(cap.sum()))
        book.disbursed[loans] = fit_sum(rng.normal(usual, usual * 0.3), low, cap, wish, MILLION)
        book.approved[loans] = book.disbursed[loans]
        spent = np.where(rng.random(loans.size) < 0.35, 1.0, rng.uniform(0.45, 1.0, loans.size))
        try:
            book.balance[loans] = fit_sum(
                book.disbursed[loans] * spent, book.lent[loans] + _LEAST, book.disbursed[loans], needed, _STEP
            )
        except CannotFitError as reason:
            names = ("local_share_of_outstanding_pct", "loans") if is_local else ("outstanding", "loans")
            raise ProfileError(names, f"no loans inside the caps make it: {reason}") from None
    tranches = book.find(TRANCHE)
    book.approved[tranches] = np.maximum(
        np.minimum(book.disbursed[tranches] * 3 // 2 // MILLION * MILLION, 100 * MILLION), book.disbursed[tranches]
    )


def _fit_closed_loans(rng: np.random.Generator, book: Book, plan: Plan) -> None:
    """Spread the collection over loans paid off and part payments; the written-off loans take the rest."""
    closed = book.find(CLOSED)
    paid, _ = count_closed(plan)
    low, usual, cap = read_bounds(book.programme[closed], book.disbursed_on[closed])
    book.disbursed[closed] = np.clip(
        np.round(rng.normal(usual, usual * 0.3) / MILLION).astype(np.int64) * MILLION, low, cap
    )
    book.approved[closed] = book.disbursed[closed]
    groups = ((closed[:paid], plan.money("collected") * 62 // 100), (closed[paid:], plan.money("written_off")))
    for loans, total in groups:
        if loans.size:
            disbursed = book.disbursed[loans]
            wish = disbursed * rng.uniform(0.1, 0.8, loans.size)
            book.repaid[loans] = fit_sum(wish, np.minimum(_STEP, total // loans.size), disbursed, total, _STEP)
    mistakes = book.find(MISTAKE)
    book.lent[mistakes] = book.approved[mistakes] = book.disbursed[mistakes] = 20 * MILLION
