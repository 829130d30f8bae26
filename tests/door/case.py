"""What a case is, and the small words that the case tables are written in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.door.door import Found
from tests.support.deliveries import ABSENT, Delivery, figures, to_csv

PLACE = "datapackage.json"
Tamper = Callable[[Path], object]


def as_written(_: Path) -> None:
    """Leave the folder as it is."""


@dataclass(frozen=True)
class Case:
    """One delivery and what the contract says of it.

    `change` alters a good delivery before its figures are taken, as a wrong source would; `tamper` alters the written
    folder. `finds` are all its findings, no more and no fewer: rule, dataset, row, column. `is_first`: the delivery is
    the branch's first (previousBusinessDate null). `was_red`: the door had it wrong before the guard was written.
    """

    name: str
    section: str
    verdict: str
    change: Callable[[Delivery], object] = lambda _: None
    finds: tuple[Found, ...] = ()
    tamper: Tamper = as_written
    is_first: bool = False
    was_red: bool = False


def find(rule: str, dataset: str, row: int | None = None, column: str | None = None) -> Found:
    return (rule, dataset, row, column)


def refusal(rule: str, column: str | None = None) -> tuple[Found, ...]:
    """A refused or waiting delivery has one finding, on its manifest."""
    return (find(rule, PLACE, None, column),)


def edit(dataset: str, row: int, **values: Any) -> Callable[[Delivery], object]:
    """Change cells; the manifest's figures follow."""
    return lambda delivery: delivery.edit(dataset, row, **values)


def manifest(**properties: Any) -> Callable[[Delivery], object]:
    """Change properties of the manifest."""
    return lambda delivery: delivery.manifest.update(properties)


def resource(dataset: str, **properties: Any) -> Callable[[Delivery], object]:
    """Change properties of one resource."""
    return lambda delivery: delivery.resources.setdefault(dataset, {}).update(properties)


def after_figures(dataset: str, change: Callable[[Delivery], object]) -> Callable[[Delivery], object]:
    """Change the rows of a dataset while the manifest keeps the figures of the right ones."""

    def apply(delivery: Delivery) -> None:
        delivery.resources[dataset] = figures(dataset, delivery.rows[dataset])
        change(delivery)

    return apply


def all_of(*changes: Callable[[Delivery], object]) -> Callable[[Delivery], object]:
    def apply(delivery: Delivery) -> None:
        for change in changes:
            change(delivery)

    return apply


def raw(change: Callable[[bytes], bytes]) -> Tamper:
    """Alter the bytes of the descriptor."""

    def apply(folder: Path) -> None:
        (folder / PLACE).write_bytes(change((folder / PLACE).read_bytes()))

    return apply


def file(name: str, change: Callable[[bytes], bytes]) -> Tamper:
    """Alter the bytes of a delivered file behind the manifest's back."""

    def apply(folder: Path) -> None:
        (folder / name).write_bytes(change((folder / name).read_bytes()))

    return apply


def content(dataset: str, change: Callable[[bytes], bytes], **properties: Any) -> Callable[[Delivery], object]:
    """Send `change` of the dataset's CSV bytes, uncompressed, under the figures of the rows; bytes and hash agree."""

    def apply(delivery: Delivery) -> None:
        delivery.payloads[dataset] = change(to_csv(dataset, delivery.rows[dataset]))
        declared = {"path": f"{dataset}.csv", "compression": ABSENT} | properties
        delivery.resources.setdefault(dataset, {}).update(declared)

    return apply


def rewrite(change: Callable[[dict[str, Any]], object]) -> Tamper:
    """Alter the parsed descriptor in place."""

    def apply(folder: Path) -> None:
        path = folder / PLACE
        descriptor = json.loads(path.read_text())
        change(descriptor)
        path.write_text(json.dumps(descriptor, ensure_ascii=False))

    return apply
