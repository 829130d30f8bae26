"""One branch over many nights, as the tests of the life of deliveries tell it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.door.book import row
from tests.door.door import Door, descriptor_sha256
from tests.support.deliveries import Delivery, first_delivery, repay


@dataclass
class Branch:
    """A branch with its door. Dates are given as the day of September 2025."""

    door: Door
    code: str

    def first(self, day: int) -> Delivery:
        return first_delivery(self.code, date(day))

    def night(self, *deliveries: Delivery) -> dict[str, str]:
        """Send deliveries, run a night, and return every verdict that it showed, by "day rN"."""
        for delivery in deliveries:
            self.door.send(delivery)
        return {f"{int(day[-2:])} r{number}": o.verdict for (_, day, number), o in self.door.night(self.code).items()}

    def turns(self, *deliveries: Delivery) -> dict[str, str]:
        """As `night`, without what is only seen again."""
        return {place: verdict for place, verdict in self.night(*deliveries).items() if verdict != "duplicate"}

    @property
    def visible(self) -> dict[int, int]:
        """The visible revision by day of September."""
        with self.door.warehouse.connect("admin") as connection:
            cursor = connection.execute(
                "select extract(day from business_date)::int, revision from meta.visible_deliveries where branch_code = %s",
                [self.code],
            )
            return dict(cursor.fetchall())

    def feedback(self, day: int, revision: int = 1) -> Path:
        return self.door.warehouse.settings.outbox / self.code / date(day) / f"r{revision}" / "feedback.csv"

    def ledger(self, day: int) -> list[tuple[int, str]]:
        """Revision and verdict of every entry on a day, in order."""
        with self.door.warehouse.connect("admin") as connection:
            return connection.execute(
                "select revision, verdict from meta.ledger where branch_code = %s and business_date = %s order by entry_no",
                [self.code, date(day)],
            ).fetchall()

    def sha256(self, delivery: Delivery) -> str:
        return descriptor_sha256(delivery.folder(self.door.landing))


def date(day: int) -> str:
    return f"2025-09-{day:02}"


def after(before: Delivery, day: int, amount: int = 1_000_000) -> Delivery:
    """The next delivery, with one repayment of the first loan."""
    return repay(before.next(date(day)), 1, amount)


def renamed(delivery: Delivery, name: str) -> Delivery:
    """The same delivery with other content that changes no balance."""
    return delivery.edit("offices", 1, name=name)


def more_capital(delivery: Delivery, amount: int) -> Delivery:
    """Money received on the date of the delivery, or standing at it where it is a first one."""
    position = delivery.rows["capital_positions"][0]
    position["balance_vnd"] += amount
    if delivery.previous:
        number = len(delivery.rows["capital_transactions"])
        delivery.rows["capital_transactions"].append(row("capital_transactions", {
            "entry_id": f"V{delivery.branch}{delivery.date}-{number}", "source_code": position["source_code"],
            "office_code": position["office_code"], "value_date": delivery.date, "kind": "received", "amount_vnd": amount,
        }))  # fmt: skip
    return delivery
