"""What must be visible, in plain Python, written from sections 1 and 6 of the extract contract.

It shares no code with the warehouse and knows no database. Branches are names, dates are days (small integers), a
content is what a branch says: the day that it follows, the balance before and after, and what is wrong with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

OLD_HEAD, OLD_SIDE, NEW = "96 old", "95 old", "96 new"
MERGED_INTO = {OLD_HEAD: NEW, OLD_SIDE: NEW}
LAST_DAY = {OLD_HEAD: 4, OLD_SIDE: 4}
FIRST_DAY = {NEW: 5}
LAST_STAMP = 19
"""The hour of the last timestamp in the files of every delivery."""


@dataclass(frozen=True)
class Content:
    """What the contract's section 1 calls content, as far as the verdict depends on it.

    `is_read_otherwise`: the same bytes, under a dialect that makes other rows of them.
    """

    previous: int | None
    opening: int
    closing: int
    is_broken: bool = False
    has_warning: bool = False
    is_read_otherwise: bool = False


@dataclass(frozen=True)
class Delivery:
    """One delivery as sent: its content, and what only the descriptor says.

    `closed_at` is the hour of cobCompletedAt; `has_other_format`: it declares a format that its files do not have.
    `supersedes` is what it names, None for one that is surely on record.
    """

    branch: str
    day: int
    revision: int
    content: Content
    lacks_supersedes: bool = False
    closed_at: int = 20
    has_other_format: bool = False
    supersedes: Delivery | None = None

    @property
    def place(self) -> tuple[int, str]:
        return self.day, self.branch

    @property
    def is_publishable_alone(self) -> bool:
        is_wrong = self.lacks_supersedes or self.has_other_format or self.closed_at < LAST_STAMP
        return not self.content.is_broken and not is_wrong


@dataclass
class Record:
    """A delivery on record and its verdicts, oldest first."""

    delivery: Delivery
    verdicts: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str | None:
        return self.verdicts[-1] if self.verdicts else None

    @property
    def stands(self) -> bool:
        return self.verdict in VISIBLE or self.verdict == "duplicate"

    @property
    def uses_up_number(self) -> bool:
        if self.verdict == "duplicate":
            return self.delivery.is_publishable_alone
        return any(verdict in VISIBLE for verdict in self.verdicts)


VISIBLE = ("published", "published_with_warnings", "provisional")


class Oracle:
    """The warehouse as the contract describes it."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.seen: set[Delivery] = set()
        self.visible: dict[tuple[int, str], tuple[Content, str]] = {}

    def send(self, delivery: Delivery) -> str:
        """Take in one delivery; return new, repeat, duplicate, refused or waiting."""
        answer = self._take_in(delivery)
        if answer != "waiting":
            self.seen.add(delivery)
        return answer

    def _take_in(self, delivery: Delivery) -> str:
        rivals = [record for record in self.records if record.delivery.place == delivery.place]
        if any(record.delivery == delivery and not is_mere_note(record) for record in rivals):
            return "repeat"
        same_number = [record for record in rivals if record.delivery.revision == delivery.revision]
        owner = next((record for record in same_number if record.uses_up_number), None)
        if owner is not None:
            return self._note(delivery, "duplicate" if owner.delivery.content == delivery.content else "refused")
        if any(record.verdict is None for record in same_number):
            return "waiting"
        counted = [record for record in rivals if not is_mere_note(record)]
        if counted:
            highest = max(record.delivery.revision for record in counted)
            newest = [record for record in counted if record.delivery.revision == highest][-1]
            if newest.delivery.content == delivery.content:
                if newest.verdict is None:
                    return "waiting"
                if newest.stands:
                    return self._note(delivery, "duplicate")
        self.records.append(Record(delivery))
        return "new"

    def _note(self, delivery: Delivery, verdict: str) -> str:
        if verdict == "duplicate":
            self.records.append(Record(delivery, [verdict]))
        return verdict

    def settle(self) -> None:
        """Judge everything on record, dates ascending."""
        self.visible = {}
        for place in sorted({record.delivery.place for record in self.records}):
            rivals = [record for record in self.records if record.delivery.place == place and not is_mere_note(record)]
            for number in sorted({record.delivery.revision for record in rivals}, reverse=True):
                self._settle_number(place, [record for record in rivals if record.delivery.revision == number])

    def _settle_number(self, place: tuple[int, str], records: list[Record]) -> None:
        owner = next((record for record in records if record.uses_up_number), None)
        for record in [owner] if owner else records:
            if place in self.visible and record.verdict is not None:
                continue
            verdict = self._judge(record)
            if verdict in VISIBLE:
                self.visible.setdefault(place, (record.delivery.content, verdict))
            if record.verdict not in ("duplicate", verdict):
                record.verdicts.append(verdict)
            if verdict in VISIBLE:
                owner = record
                break
        for late in records:
            if late is not owner and late.verdict is None and owner is not None:
                late.verdicts.append("duplicate" if late.delivery.content == owner.delivery.content else "refused")

    def _judge(self, record: Record) -> str:
        delivery, content = record.delivery, record.delivery.content
        if not delivery.is_publishable_alone:
            return "held"
        relatives = {delivery.branch} | {old for old, new in MERGED_INTO.items() if new == delivery.branch}
        earlier = [day for day, branch in self.visible if branch in relatives and day < delivery.day]
        if any(content.previous is None or day > content.previous for day in earlier):
            return "held"
        is_unknown = delivery.supersedes is not None and delivery.supersedes not in self.seen
        good = "published_with_warnings" if content.has_warning or is_unknown else "published"
        if content.previous is None:
            return good
        before = [(content.previous, branch) for branch in holders(delivery.branch, content.previous)]
        if not all(place in self.visible for place in before):
            return "provisional"
        return good if sum(self.visible[place][0].closing for place in before) == content.opening else "held"


def is_mere_note(record: Record) -> bool:
    """A repeat that could not have stood by itself changes nothing, not even whose number is used up."""
    return (record.verdict == "duplicate" and not record.uses_up_number) or record.verdict == "refused"


def holders(branch: str, day: int) -> list[str]:
    """The branches that held on `day` what `branch` holds."""
    if FIRST_DAY.get(branch, 0) <= day <= LAST_DAY.get(branch, 99):
        return [branch]
    return [old for old, new in MERGED_INTO.items() if new == branch and day <= LAST_DAY[old]]
