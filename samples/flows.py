"""The events of the window, loan by loan, and what each does to the three balances (contract, section 5 rule 2)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from samples.fit import BoolArray, DayArray, IntArray

KINDS = (
    "disbursement", "principal", "interest", "to_overdue", "from_overdue", "to_frozen", "from_frozen", "extension",
    "write_off", "transfer_in", "transfer_out",
)  # fmt: skip
KIND = {name: number for number, name in enumerate(KINDS)}
BUCKETS = ("in_term", "overdue", "frozen")
IN_TERM, OVERDUE, FROZEN = range(3)
NO_BUCKET = -1
CHANNELS = ("point", "office", "mobile", "system")
POINT, OFFICE, MOBILE, SYSTEM = range(4)


@dataclass
class Flows:
    """One element an event, in no particular order until `sorted_by_day`."""

    loan: IntArray
    day: DayArray
    kind: IntArray
    bucket: IntArray
    amount: IntArray
    channel: IntArray
    reverses: IntArray  # number of the event taken back, or -1
    source: IntArray  # -1: the loan's own

    @property
    def size(self) -> int:
        """Number of events."""
        return self.loan.size

    def effects(self) -> tuple[IntArray, IntArray, IntArray]:
        """Return the change of in_term, overdue and frozen by each event."""
        change = np.zeros((3, self.size), dtype=np.int64)
        amount = self.amount
        for bucket in range(3):
            here = self.bucket == bucket
            for kind, sign in (("principal", -1), ("write_off", -1), ("transfer_in", 1), ("transfer_out", -1),
                               ("to_frozen", -1), ("from_frozen", 1)):  # fmt: skip
                chosen = here & (self.kind == KIND[kind])
                change[bucket, chosen] += sign * amount[chosen]
        for kind, bucket, sign in (
            ("disbursement", IN_TERM, 1), ("to_overdue", IN_TERM, -1), ("to_overdue", OVERDUE, 1),
            ("from_overdue", IN_TERM, 1), ("from_overdue", OVERDUE, -1), ("to_frozen", FROZEN, 1),
            ("from_frozen", FROZEN, -1),
        ):  # fmt: skip
            chosen = self.kind == KIND[kind]
            change[bucket, chosen] += sign * amount[chosen]
        return change[0], change[1], change[2]

    def take(self, order: IntArray) -> Flows:
        """Return the events in another order, the references to reversed events moved along."""
        place = np.empty(self.size, dtype=np.int64)
        place[order] = np.arange(self.size)
        reverses = self.reverses[order]
        return Flows(
            loan=self.loan[order],
            day=self.day[order],
            kind=self.kind[order],
            bucket=self.bucket[order],
            amount=self.amount[order],
            channel=self.channel[order],
            reverses=np.where(reverses >= 0, place[reverses], -1),
            source=self.source[order],
        )

    def sorted_by_day(self) -> Flows:
        """Return the events by day; events of one day keep the order in which they were told."""
        return self.take(np.argsort(self.day, kind="stable"))


@dataclass
class FlowList:
    """Collects events kind by kind."""

    _parts: list[Flows] = field(default_factory=list)
    _size: int = 0

    def add(
        self,
        kind: str,
        loans: IntArray,
        days: DayArray,
        amounts: npt.ArrayLike,
        *,
        bucket: npt.ArrayLike = NO_BUCKET,
        channel: npt.ArrayLike = SYSTEM,
        reverses: npt.ArrayLike = -1,
        source: npt.ArrayLike = -1,
    ) -> IntArray:
        """Add one event for each loan; return the numbers of the new events."""

        def spread(value: npt.ArrayLike) -> IntArray:
            return np.broadcast_to(np.asarray(value, dtype=np.int64), loans.shape).copy()

        part = Flows(loans, days, spread(KIND[kind]), spread(bucket), spread(amounts), spread(channel),
                     spread(reverses), spread(source))  # fmt: skip
        numbers = self._size + np.arange(part.size)
        self._parts.append(part)
        self._size += part.size
        return numbers

    def collect(self) -> Flows:
        """Return everything added so far as one."""

        def join(name: str) -> npt.NDArray[np.int64]:
            return np.concatenate([getattr(part, name) for part in self._parts])

        days = np.concatenate([part.day for part in self._parts])
        return Flows(join("loan"), days, join("kind"), join("bucket"), join("amount"), join("channel"),
                     join("reverses"), join("source"))  # fmt: skip


def is_kind(flows: Flows, *names: str) -> BoolArray:
    """Return which events are of one of these kinds."""
    return np.isin(flows.kind, [KIND[name] for name in names])
