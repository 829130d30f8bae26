"""A repeat of a content on record: what would have become of it, had it come first (law 1)."""

from __future__ import annotations

from typing import Any

from ingestion.descriptor import Descriptor, parse_descriptor
from ingestion.descriptor_violations import find_descriptor_violations
from warehouse.connect import Connection


def could_stand_alone(connection: Connection, descriptor: Descriptor, original_id: int) -> bool:
    """True when a repeat would be published too, had it come first: then it uses up its number, in any order.

    Its rows are those of `original_id`, which were published; what it says of them may differ.
    """
    if find_descriptor_violations(descriptor).num_rows:
        return False
    row = connection.execute(
        "select descriptor::text from meta.deliveries where delivery_id = %s", [original_id]
    ).fetchone()
    assert row is not None
    original = parse_descriptor(row[0].encode())
    if _read_what_is_said(descriptor) != _read_what_is_said(original):
        return False
    return descriptor.cob_completed_at >= original.cob_completed_at


def _read_what_is_said(descriptor: Descriptor) -> list[tuple[Any, ...]]:
    """What the manifest says of each file that is compared with its rows, and how it is to be read."""
    return sorted(
        (one.dataset, one.format, one.reading, one.row_count, sorted(one.control_totals.items()), one.key_checksum)
        for one in descriptor.resources
    )
