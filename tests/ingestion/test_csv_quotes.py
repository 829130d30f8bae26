"""The fast look at quotes says what the close look says, or nothing."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion import csv_quotes, csv_records
from ingestion.csv_records import find_cut, split_records
from ingestion.dialect import CsvDialect

NONE = np.empty(0, np.int64)
DIALECTS = st.sampled_from([CsvDialect(), CsvDialect(double_quote=False), CsvDialect(delimiter=";", quote="'")])
WELL_FORMED = st.lists(
    st.sampled_from(['"a"', '""', '"a,b"', '"a\nb"', '"a""b"', "a", "", '"\r\n"']), min_size=1, max_size=4
).map(",".join)
FILES = st.one_of(
    st.text(alphabet="a\",;'\n\r", max_size=24),
    st.builds(str.join, st.sampled_from(["\n", "\r\n"]), st.lists(WELL_FORMED, max_size=6)),
).map(str.encode)


@settings(max_examples=1500, deadline=None)
@given(data=FILES, dialect=DIALECTS)
def test_the_fast_look_finds_the_same_records(data: bytes, dialect: CsvDialect) -> None:
    with patch.object(csv_quotes, "PIECE", 5):
        fast = csv_records._read_plain(data, dialect)
    with patch.object(csv_records, "_read_plain", return_value=None):
        slow = split_records(data, dialect, NONE)
    if fast is not None:
        assert slow.problems == ()
        assert (fast.data, fast.count, fast.has_line_breaks_in_values) == (
            slow.data,
            slow.count,
            slow.has_line_breaks_in_values,
        )


@settings(max_examples=1500, deadline=None)
@given(data=FILES, dialect=DIALECTS)
def test_the_fast_look_cuts_at_the_same_place(data: bytes, dialect: CsvDialect) -> None:
    cut = find_cut(data, dialect)
    with patch.object(csv_records, "find_last_line_end", return_value=None):
        assert cut == find_cut(data, dialect)


def test_the_fast_look_is_used_where_every_value_is_quoted() -> None:
    data = b'"a","b ""c"""\r\n"d",""\r\n'
    assert csv_records._read_plain(data, CsvDialect()) is not None
