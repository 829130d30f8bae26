"""A repeat of a content on record: what would have become of it, had it come first (law 1)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from operator import itemgetter

import pyarrow.compute as pc

from contract.model import ColumnType, load_datasets
from ingestion.descriptor import Descriptor
from ingestion.descriptor_violations import find_descriptor_violations
from ingestion.dialect import describe_reading
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
    known = connection.execute(
        """
        select f.dataset, r.said ->> 'format', coalesce(r.said ->> 'encoding', 'utf-8'), r.said -> 'dialect', f.row_count,
            f.control_totals, f.key_checksum, d.cob_completed_at
        from meta.deliveries as d
        cross join lateral jsonb_array_elements(d.descriptor -> 'resources') as r (said)
        inner join meta.delivery_files as f on d.delivery_id = f.delivery_id and r.said ->> 'name' = f.dataset
        where d.delivery_id = %s
        """,
        [original_id],
    ).fetchall()
    said = [
        (one.dataset, one.format, one.reading, one.row_count, one.control_totals, one.key_checksum)
        for one in descriptor.resources
    ]
    before = [
        (dataset, form, describe_reading(form, encoding, dialect), *figures)
        for dataset, form, encoding, dialect, *figures, _ in known
    ]
    if sorted(said, key=itemgetter(0)) != sorted(before, key=itemgetter(0)):
        return False
    return descriptor.cob_completed_at >= known[0][-1] or not _is_any_later(
        descriptor, files, descriptor.cob_completed_at
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
