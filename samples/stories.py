"""What happens to loans inside the window: payments, overdue and frozen debt, extensions, write-offs, corrections.

Each story is told backwards from the balances at the last date, so that turnover, collection, overdue and frozen
debt come out as planned and every earlier balance is what the events leave.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samples.book import CLOSED, MISTAKE, NEW, STAY, TRANCHE, Book, count_closed
from samples.calendar import ONE_DAY, add_months, draw_days
from samples.errors import ProfileError
from samples.fit import BoolArray, CannotFitError, DayArray, IntArray, choose, fit_sum
from samples.flows import FROZEN, IN_TERM, MOBILE, OFFICE, OVERDUE, POINT, SYSTEM, FlowList, Flows
from samples.programmes import MILLION
from samples.setting import Setting

_STEP = 100_000
NEVER = np.datetime64("NaT", "D")


@dataclass
class Debt:
    """One element a loan: amounts at the last date (đồng) and the dates that go with a state whenever it holds."""

    overdue: IntArray
    frozen: IntArray
    overdue_since: DayArray
    unpaid_since: DayArray  # oldest instalment not paid while overdue or frozen
    slipped_on: DayArray  # an instalment missed by a loan that is not overdue (yet)
    frozen_until: DayArray
    extended_to: DayArray
    extended_on: DayArray  # the day from which the extension shows


class StoryTeller:
    """Chooses loans for each story and writes their events."""

    def __init__(self, book: Book, setting: Setting, point_days: IntArray, is_direct: BoolArray):
        self.book, self.plan, self.window = book, setting.plan, setting.window
        self.rng = setting.stream("stories")
        self.point_days, self.is_direct = point_days, is_direct
        self.flows = FlowList()
        never = np.full(book.size, NEVER)
        zero = np.zeros(book.size, dtype=np.int64)
        self.debt = Debt(zero, zero.copy(), *(never.copy() for _ in range(6)))
        self.is_taken = ~np.isin(book.role, (STAY,)) | book.is_abroad
        self.old_enough = (self.window.first - book.disbursed_on) / ONE_DAY > 120

    def tell(self) -> tuple[Debt, Flows]:
        """Return the debt states and all events but interest. Raises ProfileError where a share cannot be met."""
        self._lend()
        overdue = self._choose_debt("overdue_ratio_pct", 1.5)
        self.debt.overdue[overdue] = self._fit_debt(overdue, "overdue_ratio_pct", self._let_mature(overdue))
        frozen = self._choose_debt("frozen_ratio_pct", 1.15)
        self.debt.frozen[frozen] = self._fit_debt(frozen, "frozen_ratio_pct", np.zeros(frozen.size, dtype=np.bool_))
        payers = self._choose_payers()
        self._freeze(frozen)
        self._turn_overdue(overdue)
        self._mend(payers, overdue.size, frozen.size)
        self._pay(payers)
        self._close()
        self._extend()
        self._slip()
        self._correct()
        return self.debt, self.flows.collect().sorted_by_day()

    def _draw_days(self, loans: IntArray) -> tuple[DayArray, IntArray]:
        """Draw a day and a channel for each loan: its point's sitting day, the office, or the telephone."""
        days, is_point = draw_days(self.rng, self.window, self.point_days[self.book.customer[loans]])
        elsewhere = np.where(self.rng.random(loans.size) < 0.35, MOBILE, OFFICE)
        at_point = is_point & ~self.is_direct[self.book.customer[loans]]
        return days, np.where(at_point, POINT, elsewhere)

    def _any_day(self, count: int) -> DayArray:
        days: DayArray = self.window.first + self.rng.integers(1, self.window.days + 1, count) * ONE_DAY
        return days

    def _before(self, loans: IntArray, median: int) -> DayArray:
        """Draw days before the window, most of them about `median` days ago and after the loan's first months."""
        age = ((self.window.first - self.book.disbursed_on[loans]) / ONE_DAY).astype(np.int64)
        drawn = self.rng.lognormal(np.log(median), 1.1, loans.size).astype(np.int64)
        days: DayArray = self.window.first - np.clip(drawn, 1, np.maximum(age - 60, 1)) * ONE_DAY
        return days

    def _take(self, wanted: int, mask: BoolArray | None = None) -> IntArray:
        """Take loans that no story has yet."""
        free = ~self.is_taken & self.old_enough if mask is None else ~self.is_taken & mask
        chosen = choose(self.rng, np.flatnonzero(free), wanted)
        self.is_taken[chosen] = True
        return chosen

    def _usual(self, share: float, of: int) -> int:
        """Return how many of `of` loans a story with this share a quarter takes; at least one in a whole month."""
        count = round(share * of * self.window.quarters)
        return max(count, 1) if self.window.days >= 28 and of else count

    def _lend(self) -> None:
        book = self.book
        new = book.find(NEW)
        elsewhere = np.where(self.rng.random(new.size) < 0.2, MOBILE, OFFICE)
        at_point = book.is_at_point[new] & ~self.is_direct[book.customer[new]]
        self.flows.add(
            "disbursement", new, book.disbursed_on[new], book.lent[new], channel=np.where(at_point, POINT, elsewhere)
        )
        tranches = book.find(TRANCHE)
        days, channel = self._draw_days(tranches)
        self.flows.add("disbursement", tranches, days, book.lent[tranches], channel=channel)

    def _choose_debt(self, name: str, margin: float) -> IntArray:
        """Take loans until their balances hold the planned debt with some room."""
        total = self._debt_total(name)
        free = self.rng.permutation(np.flatnonzero(~self.is_taken & self.old_enough))
        if total == 0:
            return free[:0]
        if free.size == 0 or int(self.book.balance[free].sum()) < total:
            free = self.rng.permutation(np.flatnonzero(~self.is_taken))
        count = int(np.searchsorted(np.cumsum(self.book.balance[free]), int(total * margin))) + 1
        chosen = np.sort(free[:count])
        self.is_taken[chosen] = True
        return chosen

    def _debt_total(self, name: str) -> int:
        return int(self.plan.money("outstanding") * self.plan.values[name] / 100)

    def _let_mature(self, overdue: IntArray) -> BoolArray:
        """Let about a third of the overdue loans be past their maturity: nothing of them is left in term."""
        book, window = self.book, self.window
        is_new = self.rng.random(overdue.size) < min(0.4, 0.4 * window.quarters)
        since = np.where(is_new, self._any_day(overdue.size), self._before(overdue, 300))
        self.debt.overdue_since[overdue] = since
        is_matured = np.zeros(overdue.size, dtype=np.bool_)
        if overdue.size >= 20:
            wanted = choose(self.rng, np.arange(overdue.size), overdue.size // 3)
            moved = book.redate(overdue[wanted], since[wanted])
            is_matured = np.isin(overdue, moved)
        missed = since - self.rng.integers(0, 31, overdue.size) * ONE_DAY
        missed = np.maximum(missed, book.disbursed_on[overdue] + ONE_DAY)
        self.debt.unpaid_since[overdue] = np.where(is_matured, book.maturity_on[overdue], np.minimum(missed, since))
        return is_matured

    def _fit_debt(self, loans: IntArray, name: str, is_whole: BoolArray) -> IntArray:
        balance = self.book.balance[loans]
        low = np.where(is_whole, balance, np.minimum(_STEP, balance))
        share = np.where(self.rng.random(loans.size) < 0.3, 1.0, self.rng.uniform(0.25, 1.0, loans.size))
        try:
            return fit_sum(balance * share, low, balance, self._debt_total(name), _STEP)
        except CannotFitError as reason:
            raise ProfileError((name, "outstanding"), f"no loans hold that much debt: {reason}") from None

    def _choose_payers(self) -> IntArray:
        """Choose standing loans that pay part of their principal, and fit what they pay."""
        book = self.book
        total = self.plan.money("collected")
        closed_total = total * 62 // 100 if count_closed(self.plan)[0] else 0
        total -= closed_total
        room = book.disbursed - book.balance
        able = np.flatnonzero((room >= MILLION) & np.isin(book.role, (STAY,)) & (self.debt.frozen == 0))
        able = self.rng.permutation(able[~book.is_abroad[able]])
        wanted = max(total * 10 // (22 * MILLION), int(np.searchsorted(np.cumsum(room[able]), total * 3 // 2)) + 1)
        payers = np.sort(able[:wanted])
        start = self.rng.lognormal(np.log(2.2 * MILLION), 0.6, payers.size)
        try:
            book.repaid[payers] = fit_sum(start, np.minimum(_STEP, total // max(1, payers.size)), room[payers], total,
                                          _STEP)  # fmt: skip
        except CannotFitError as reason:
            raise ProfileError(("collected", "outstanding"), f"no loans can repay that much: {reason}") from None
        payers = payers[book.repaid[payers] > 0]
        self.is_taken[payers] = True
        return payers

    def _pay(self, payers: IntArray) -> None:
        """Pay: out of the overdue part where there is one, after it became overdue."""
        days, channel = self._draw_days(payers)
        since = self.debt.overdue_since[payers]
        is_overdue = ~np.isnat(since)
        days = np.where(is_overdue, np.fmax(days, since), days)
        bucket = np.where(is_overdue, OVERDUE, IN_TERM)
        self.flows.add("principal", payers, days, self.book.repaid[payers], bucket=bucket, channel=channel)

    def _turn_overdue(self, overdue: IntArray) -> None:
        since = self.debt.overdue_since[overdue]
        fresh = overdue[since > self.window.first]
        moved = self.debt.overdue[fresh] + self.book.repaid[fresh]
        self.flows.add("to_overdue", fresh, self.debt.overdue_since[fresh], moved)

    def _freeze(self, frozen: IntArray) -> None:
        """Frozen for three or five years: most before the window, some inside it, out of overdue or in-term debt."""
        is_new = self.rng.random(frozen.size) < min(0.2, 0.2 * self.window.quarters)
        since = np.where(is_new, self._any_day(frozen.size), self._before(frozen, 350))
        years = self.rng.choice(np.array([36, 60]), frozen.size)
        since = np.maximum(since, self.window.last - 1000 * ONE_DAY)  # three years on, it still runs
        self.debt.frozen_until[frozen] = add_months(since, years)
        fresh, days = frozen[is_new], since[is_new]
        from_overdue = self.rng.random(fresh.size) < 0.7
        bucket = np.where(from_overdue, OVERDUE, IN_TERM)
        self.flows.add("to_frozen", fresh, days, self.debt.frozen[fresh], bucket=bucket)
        earlier = self._before(frozen, 500)
        self.debt.unpaid_since[frozen] = np.where(self.rng.random(frozen.size) < 0.5, earlier, NEVER)
        self.debt.overdue_since[fresh[from_overdue]] = self._before(fresh[from_overdue], 400)
        self.debt.unpaid_since[fresh[from_overdue]] = self.debt.overdue_since[fresh[from_overdue]]

    def _mend(self, payers: IntArray, overdue: int, frozen: int) -> None:
        """Debt that is no longer there at the end: paid up, extended, or unfrozen inside the window."""
        plain = payers[np.isnat(self.debt.overdue_since[payers]) & self.old_enough[payers]]
        cured = choose(self.rng, plain, self._usual(0.2, overdue))
        self.debt.overdue_since[cured] = self._before(cured, 150)
        self.debt.unpaid_since[cured] = self.debt.overdue_since[cured]
        back = self._take(self._usual(0.04, overdue))
        since = self._before(back, 90)
        back = self.book.redate(back, since)
        self.debt.overdue_since[back] = self.debt.unpaid_since[back] = self.book.maturity_on[back]
        days = self._any_day(back.size)
        self.flows.add("from_overdue", back, days, self.book.balance[back])
        self._write_extension(back, days)
        thawed = self._take(self._usual(0.1, frozen))
        days = self._any_day(thawed.size)
        self.debt.frozen_until[thawed] = np.maximum(days + 30 * ONE_DAY, self.window.last + ONE_DAY)
        self.flows.add("from_frozen", thawed, days, self.book.balance[thawed], bucket=IN_TERM)

    def _close(self) -> None:
        """Pay off or write off; some at maturity, some of the paid-off loans partly overdue until then."""
        book, closed = self.book, self.book.find(CLOSED)
        days, channel = self._draw_days(closed)
        reborrowed = np.full(int(book.customer.max(initial=0)) + 1, self.window.last)
        new = book.find(NEW)
        np.minimum.at(reborrowed, book.customer[new], book.disbursed_on[new])
        days = np.minimum(days, reborrowed[book.customer[closed]])
        paid, _ = count_closed(self.plan)
        payoffs, lost = slice(0, paid), slice(paid, None)
        due = choose(self.rng, np.arange(paid), paid // 2)
        book.redate(closed[due], days[due])
        whole = book.repaid[closed]
        was_overdue = (self.rng.random(paid) < 0.08) & self.old_enough[closed[payoffs]]
        part = np.where(was_overdue, whole[payoffs] * 4 // 10 // _STEP * _STEP, 0)
        is_part = part > 0
        late = closed[payoffs][is_part]
        self.debt.overdue_since[late] = self.debt.unpaid_since[late] = self._before(late, 120)
        self.flows.add("principal", late, days[payoffs][is_part], part[is_part], bucket=OVERDUE,
                       channel=channel[payoffs][is_part])  # fmt: skip
        self.flows.add("principal", closed[payoffs], days[payoffs], whole[payoffs] - part, bucket=IN_TERM,
                       channel=channel[payoffs])  # fmt: skip
        self.debt.frozen_until[closed[lost]] = np.maximum(days[lost] + ONE_DAY, self.window.last + ONE_DAY)
        self.flows.add("write_off", closed[lost], days[lost], whole[lost], bucket=FROZEN, channel=SYSTEM)

    def _extend(self) -> None:
        """Extensions: earlier ones that still run, and new ones on about the day of maturity."""
        count = int((self.book.role == STAY).sum())
        earlier = self._take(count * 8 // 1000)
        days = self.window.first - self.rng.integers(1, 330, earlier.size) * ONE_DAY
        earlier = self.book.redate(earlier, days)
        self.debt.extended_on[earlier] = self.book.maturity_on[earlier]
        self.debt.extended_to[earlier] = self._extended(earlier)
        fresh = self._take(self._usual(0.0015, count))
        days = self._any_day(fresh.size)
        moved = np.isin(fresh, self.book.redate(fresh, days + self.rng.integers(0, 6, fresh.size) * ONE_DAY))
        self._write_extension(fresh[moved], days[moved])

    def _write_extension(self, loans: IntArray, days: DayArray) -> None:
        self.debt.extended_on[loans] = days
        self.debt.extended_to[loans] = self._extended(loans)
        self.flows.add("extension", loans, days, 0)

    def _extended(self, loans: IntArray) -> DayArray:
        """Extend by half the term, in any case beyond the last date."""
        until = add_months(self.book.maturity_on[loans], self.book.term[loans] // 2)
        return np.maximum(until, self.window.last + 31 * ONE_DAY)

    def _slip(self) -> None:
        """A few instalments are missed without the bank converting them: seen by PAR only."""
        count = int((self.book.role == STAY).sum())
        slipped = self._take(count * 5 // 1000)
        span = min(60, max(2, self.window.days))
        self.debt.slipped_on[slipped] = self.window.last - self.rng.integers(1, span + 45, slipped.size) * ONE_DAY

    def _correct(self) -> None:
        """Mistakes: whole contracts reversed the same day, and a few payments reversed within the window."""
        mistakes = self.book.find(MISTAKE)
        days, amount = self._any_day(mistakes.size), self.book.lent[mistakes]
        wrong = self.flows.add("disbursement", mistakes, days, amount, channel=OFFICE)
        self.book.disbursed_on[mistakes] = days
        self.flows.add("disbursement", mistakes, days, -amount, channel=SYSTEM, reverses=wrong)
        big = (self.book.balance > 20 * MILLION) & (self.book.role == STAY)
        loans = self._take(self._usual(0.0001, int(big.sum())), big)
        first = self._any_day(loans.size)
        later = np.minimum(first + self.rng.integers(0, 12, loans.size) * ONE_DAY, self.window.last)
        amount = np.full(loans.size, MILLION)
        wrong = self.flows.add("principal", loans, first, amount, bucket=IN_TERM, channel=OFFICE)
        self.flows.add("principal", loans, later, -amount, bucket=IN_TERM, channel=SYSTEM, reverses=wrong)
