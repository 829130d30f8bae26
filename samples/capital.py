"""Where the money comes from: positions and movements by source and office, exact from delivery to delivery."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samples.calendar import ONE_DAY, Window
from samples.fit import DayArray, IntArray, allocate
from samples.plan import Plan
from samples.programmes import MILLION
from samples.setting import Setting
from samples.sources import DISTRICT_MONEY_ENDS, list_local_weights

CAPITAL_SOURCES = (
    "TW_BALANCED", "MOB_ORG", "MOB_IND", "MOB_SAVINGS", "DP_PROVINCE", "DP_DISTRICT", "DP_COMMUNE", "DP_OTHER",
)  # fmt: skip
DEPOSIT_KINDS = ("organisation", "individual", "savings_group")
CAPITAL_KINDS = ("decision", "received", "returned", "reallocated_in", "reallocated_out")
DECISION, RECEIVED, RETURNED, REALLOCATED_IN, REALLOCATED_OUT = range(5)
_DISTRICT_SHARE = 0.29
_MOBILISED_SHARES = (0.22, 0.33, 0.45)
_FIRST_LOCAL = CAPITAL_SOURCES.index("DP_PROVINCE")
DP_PROVINCE = CAPITAL_SOURCES.index("DP_PROVINCE")
DP_DISTRICT = CAPITAL_SOURCES.index("DP_DISTRICT")


@dataclass
class Capital:
    """Balances at the window's first day by (source, office), and every movement after it, by day."""

    sources: list[int]  # those the branch carries, as places in CAPITAL_SOURCES
    opening: IntArray
    source: IntArray
    office: IntArray
    day: DayArray
    kind: IntArray
    amount: IntArray
    decision: IntArray  # number of the decision behind the movement, or -1

    def balance_at(self, day: np.datetime64) -> IntArray:
        """Return the balances at the close of `day`, đồng by (source, office)."""
        balance = self.opening.copy()
        done = self.day <= day
        sign = np.array([0, 1, -1, 1, -1])[self.kind]
        np.add.at(balance, (self.source[done], self.office[done]), (sign * self.amount)[done])
        return balance


def build_capital(setting: Setting, lent: IntArray) -> Capital:
    """Fund a branch. `lent` is the outstanding balance at the last day by (loan source, office), đồng."""
    plan, window, rng = setting.plan, setting.window, setting.stream("capital")
    closing = _close(plan, lent, window)
    growth = plan.money("change_from_year_start") / max(1, plan.money("outstanding"))
    # Local money grows fastest, deposits follow, the centre fills the gap.
    pace = np.array([0.9, 1.0, 1.2, 1.1, 1.6, 1.3, 1.2, 1.0])
    net = np.zeros_like(closing)
    for source in range(len(CAPITAL_SOURCES)):
        share = max(-0.5, min(0.5, growth * pace[source]))
        net[source] = (closing[source] * share).astype(np.int64) // MILLION * MILLION
    moves = _Moves(rng, window, closing, net)
    opening = moves.spread()
    carried = [n for n in range(len(CAPITAL_SOURCES)) if opening[n].sum() + closing[n].sum() > 0]
    order = np.argsort(np.array(moves.days, dtype="datetime64[D]"), kind="stable")
    rows = np.array(moves.rows, dtype=np.int64).reshape(-1, 5)[order]
    days = np.array(moves.days, dtype="datetime64[D]")[order]
    return Capital(carried, opening, rows[:, 0], rows[:, 1], days, rows[:, 2], rows[:, 3], rows[:, 4])


def _close(plan: Plan, lent: IntArray, window: Window) -> IntArray:
    """Split each tier at the last day by source and office, in step with what the office has lent of it."""
    offices = lent.shape[1]
    closing = np.zeros((len(CAPITAL_SOURCES), offices), dtype=np.int64)
    closing[0] = allocate(plan.money("capital_central"), lent[0])
    mobilised = allocate(plan.money("capital_mobilised"), _MOBILISED_SHARES)
    for number, total in enumerate(mobilised):
        closing[1 + number] = allocate(int(total), lent[0] + 1)
    local = plan.money("capital_local")
    weights = lent[1:].astype(np.float64)
    if weights.sum() == 0:
        weights += np.array(list_local_weights(window)[1:])[:, None]
    closing[_FIRST_LOCAL:] = allocate(local, weights.ravel()).reshape(weights.shape)
    return closing


class _Moves:
    """Spreads the net change of each source and office over days of the window."""

    def __init__(self, rng: np.random.Generator, window: Window, closing: IntArray, net: IntArray) -> None:
        self.rng, self.window, self.closing, self.net = rng, window, closing, net
        self.rows: list[tuple[int, ...]] = []
        self.days: list[np.datetime64] = []
        self.decisions = 0

    def spread(self) -> IntArray:
        """Write the movements; return the opening balances they start from."""
        for source in range(len(CAPITAL_SOURCES)):
            for office in range(self.closing.shape[1]):
                self._move(source, office, int(self.net[source, office]))
        opening = self.closing - self.net
        if self.window.first < DISTRICT_MONEY_ENDS <= self.window.last:
            opening = self._hand_over(opening)
        return opening

    def _move(self, source: int, office: int, net: int) -> None:
        is_local, is_mobilised = source >= _FIRST_LOCAL, 0 < source < _FIRST_LOCAL
        if is_mobilised:  # deposits come and go
            turnover = int(self.closing[source, office] * 0.02 * self.window.quarters) // MILLION * MILLION
            self._add(source, office, RECEIVED, turnover + max(net, 0))
            self._add(source, office, RETURNED, turnover + max(-net, 0))
        elif net > 0:
            decision = self._decide(source, office, net) if is_local else -1
            first = net * 6 // 10 // MILLION * MILLION
            self._add(source, office, RECEIVED, first, decision)
            self._add(source, office, RECEIVED, net - first, decision)
        else:
            self._add(source, office, RETURNED, -net)

    def _decide(self, source: int, office: int, net: int) -> int:
        """Local money is decided before it comes; about a tenth of it has not come yet."""
        self.decisions += 1
        self._write(self.window.first + ONE_DAY, source, office, DECISION, net + net // 9, self.decisions)
        return self.decisions

    def _add(self, source: int, office: int, kind: int, amount: int, decision: int = -1) -> None:
        if amount > 0:
            # Nothing local arrives on the last day: what is still needed is counted from there.
            end = max(2, self.window.days) if decision >= 0 else self.window.days + 1
            day = self.window.first + int(self.rng.integers(1, end)) * ONE_DAY
            self._write(day, source, office, kind, amount, decision)

    def _write(self, day: np.datetime64, *row: int) -> None:
        """Note source, office, kind, amount and decision of a movement."""
        self.rows.append(row)
        self.days.append(day)

    def _hand_over(self, opening: IntArray) -> IntArray:
        """Book the districts' money to the province at the close of 2025-06-30: the province ends with both."""
        moved = (self.closing[DP_PROVINCE] * _DISTRICT_SHARE).astype(np.int64) // MILLION * MILLION
        for office, amount in enumerate(moved):
            if amount > 0:
                self._write(DISTRICT_MONEY_ENDS, DP_DISTRICT, office, REALLOCATED_OUT, int(amount), -1)
                self._write(DISTRICT_MONEY_ENDS, DP_PROVINCE, office, REALLOCATED_IN, int(amount), -1)
        opening[DP_DISTRICT] += moved
        opening[DP_PROVINCE] -= moved
        return opening


def weigh_deposits(plan: Plan) -> int:
    """Return the mean deposit in đồng, from which the number of accounts follows."""
    return max(MILLION, plan.money("capital_mobilised") // max(1, plan.count("customers") * 9 // 10))
