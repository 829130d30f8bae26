"""A repeat of a content on record: what would have become of it, had it come first (law 1)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pyarrow.compute as pc

from contract.model import ColumnType, load_datasets
from ingestion.descriptor import Descriptor, parse_descriptor
from ingestion.descriptor_violations import find_descriptor_violations
from ingestion.read import read_blocks
from ingestion.store import StoredFile
from ingestion.streams import open_stream
from warehouse.connect import Connection


def could_stand_alone(
    connection: Connection, descriptor: Descriptor, files: Mapping[str, StoredFile], original_id: int
) -> bool:
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
    closed_at = descriptor.cob_completed_at
    return closed_at >= original.cob_completed_at or not _is_any_later(descriptor, files, closed_at)


def _read_what_is_said(descriptor: Descriptor) -> list[tuple[Any, ...]]:
    """What the manifest says of each file that is compared with its rows, and how it is to be read."""
    return sorted(
        (one.dataset, one.format, one.reading, one.row_count, sorted(one.control_totals.items()), one.key_checksum)
        for one in descriptor.resources
    )


def _is_any_later(descriptor: Descriptor, files: Mapping[str, StoredFile], moment: dt.datetime) -> bool:
    """Whether a timestamp in the files lies after `moment`. The files can be read: they were published before."""
    for resource in descriptor.resources:
        dataset = load_datasets()[resource.dataset]
        columns = [column.name for column in dataset.columns if column.type is ColumnType.TIMESTAMP]
        if not columns:
            continue
        with open_stream(files[resource.dataset].path, resource.compression) as stream:
            for block in read_blocks(
                stream, dataset, format=resource.format, encoding=resource.encoding, dialect=resource.dialect
            ):
                for column in columns:
                    # All are written with one offset: the last text is the last moment.
                    last = pc.max(pc.replace_substring(block.table[column], " ", "T")).as_py()
                    if last is not None and dt.datetime.fromisoformat(last) > moment:
                        return True
    return False
