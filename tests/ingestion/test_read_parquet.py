"""A typed Parquet column is read where its type is exact, and refused by name where it is not."""

from __future__ import annotations

import datetime as dt
import gzip
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contract.errors import UnsafeInputError
from contract.model import load_datasets
from ingestion.read import read_blocks
from ingestion.streams import MAX_RATIO, open_stream
from tests.support.deliveries import COLUMNS, first_delivery
from tests.support.reading import GOOD, NAMES, THINGS, Reading, read

TYPE, CONSTRAINT = "type-error", "constraint-error"
SAIGON = dt.timezone(dt.timedelta(hours=7))
OTHER_2020 = 23_954_852
"""The days from 1970 to 28 February 67556, a year whose last 16 bits say 2020."""


def parquet(columns: dict[str, pa.Array] | None = None, rows: int = 1, **options: Any) -> bytes:
    """Return a Parquet file of good text rows with `columns` in place of, or beside, its own."""
    texts = {name: pa.array([value if name != "id" else f"A{n}" for n in range(rows)]) for name, value in GOOD.items()}
    out = io.BytesIO()
    pq.write_table(pa.table({**texts, **(columns or {})}), out, **options)
    return out.getvalue()


def read_column(name: str, values: pa.Array) -> tuple[list[str | None], Reading]:
    found = read(parquet({name: values}, len(values)), format="parquet")
    return [row[NAMES.index(name)] for row in found.rows], found


def test_text_columns_are_read_as_they_stand() -> None:
    found = read(parquet(rows=3), format="parquet")
    assert found.findings == []
    assert found.rows[1] == [{**GOOD, "id": "A1"}[name] for name in NAMES]
    assert found.totals.control_totals == {"paid_vnd": 4_500_000, "moved_vnd": -15}


EXACT: list[tuple[str, pa.Array, list[str | None]]] = [
    ("paid_vnd", pa.array([1_500_000, 2**63 - 1]), ["1500000", "9223372036854775807"]),
    ("paid_vnd", pa.array([0, 7], pa.uint8()), ["0", "7"]),
    ("paid_vnd", pa.array([Decimal("5"), Decimal("12345678901234567")], pa.decimal128(18, 0)), ["5", "12345678901234567"]),
    ("paid_vnd", pa.array([Decimal("5.00")], pa.decimal128(18, 2)), ["5"]),
    ("paid_vnd", pa.array([5.0, 999_999_999_999_999.0]), ["5", "999999999999999"]),
    ("moved_vnd", pa.array([-5, None], pa.int64()), ["-5", None]),
    ("moved_vnd", pa.array([-5.0, -0.0, None]), ["-5", "0", None]),
    ("rate_pct", pa.array([6.6, 10.296, 9.0, None]), ["6.6", "10.296", "9", None]),
    ("rate_pct", pa.array([Decimal("6.600000"), Decimal("0.000000")], pa.decimal128(18, 6)), ["6.6", "0"]),
    ("rate_pct", pa.array([6], pa.int32()), ["6"]),
    ("target", pa.array([Decimal("-0.5000"), Decimal("100")], pa.decimal256(60, 4)), ["-0.5", "100"]),
    ("target", pa.array([Decimal("1234567890123456789012345678901.2345000")], pa.decimal128(38, 7)),
     ["1234567890123456789012345678901.2345"]),
    ("target", pa.array([Decimal("-" + "9" * 72 + ".5")], pa.decimal256(76, 1)), ["-" + "9" * 72 + ".5"]),
    ("members", pa.array([0, 12], pa.int16()), ["0", "12"]),
    ("is_good", pa.array([True, False, None]), ["1", "0", None]),
    ("is_good", pa.array([1, 0], pa.int8()), ["1", "0"]),
    ("day", pa.array([dt.date(2024, 2, 29), dt.date(1, 1, 1), None]), ["2024-02-29", "0001-01-01", None]),
    ("day", pa.array([dt.datetime(2024, 2, 29)], pa.timestamp("ms")), ["2024-02-29"]),
    ("at", pa.array([dt.datetime(2024, 2, 29, 17, 0, 1, tzinfo=dt.UTC)], pa.timestamp("ms", "UTC")),
     ["2024-03-01T00:00:01.000+07:00"]),
    ("at", pa.array([dt.datetime(2024, 2, 29, 1, 2, 3, 456789, SAIGON)], pa.timestamp("us", "+07:00")),
     ["2024-02-29T01:02:03.456789+07:00"]),
    ("word", pa.array(["open", "closed"]).dictionary_encode(), ["open", "closed"]),
    ("note", pa.array(["", "x"], pa.large_string()), [None, "x"]),
    ("note", pa.nulls(2), [None, None]),
    ("note", pa.nulls(2, pa.binary()), [None, None]),
    ("day", pa.nulls(2, pa.float64()), [None, None]),
    ("at", pa.nulls(2, pa.int64()), [None, None]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values", "text"), EXACT, ids=[f"{n}-{v.type}-{t[0]}" for n, v, t in EXACT])
def test_typed_value_is_read_exactly(name: str, values: pa.Array, text: list[str | None]) -> None:
    cells, found = read_column(name, values)
    assert found.findings == []
    assert [_plain(cell) for cell in cells] == [_plain(cell) for cell in text]


def _plain(cell: str | None) -> str | None:
    """Return a timestamp without the zeros after its last decimal: their number is the writer's choice."""
    return cell if cell is None or "." not in cell or "T" not in cell else cell[:-6].rstrip("0").rstrip(".") + cell[-6:]


WRONG_VALUES: list[tuple[str, pa.Array, list[tuple[int, str]]]] = [
    ("paid_vnd", pa.array([5.5, 5.0]), [(1, TYPE)]),
    ("paid_vnd", pa.array([float("nan"), float("inf"), 1e15]), [(1, TYPE), (2, TYPE), (3, TYPE)]),
    ("paid_vnd", pa.array([Decimal("5.50"), None], pa.decimal128(18, 2)), [(1, TYPE), (2, CONSTRAINT)]),
    ("paid_vnd", pa.array([-5, 5]), [(1, TYPE)]),
    ("paid_vnd", pa.array([2**63], pa.uint64()), [(1, TYPE)]),
    ("paid_vnd", pa.array([None, 5], pa.int64()), [(1, CONSTRAINT)]),
    ("rate_pct", pa.array([6.66666, 0.1 + 0.2, 1e-7]), [(1, TYPE), (2, TYPE), (3, TYPE)]),
    ("rate_pct", pa.array([Decimal("6.6666661"), Decimal("6.6")], pa.decimal128(18, 7)), [(1, TYPE)]),
    (
        "rate_pct",
        pa.array([Decimal("1234567890123456789012345678901.0000001"), Decimal("6.6"), None], pa.decimal128(38, 7)),
        [(1, TYPE)],
    ),
    (
        "target",
        pa.array([Decimal("1" + "0" * 30 + ".5"), Decimal("0.00001"), Decimal("0.5")], pa.decimal256(76, 40)),
        [(2, TYPE)],
    ),
    (
        "target",
        pa.array([Decimal("1E75"), Decimal("1E72"), Decimal("-1E72"), Decimal("1E71")], pa.decimal256(76, 0)),
        [(1, TYPE), (2, TYPE), (3, TYPE)],
    ),
    (
        "paid_vnd",
        pa.array([Decimal("12345678901234567890123456789012345678"), Decimal("5")], pa.decimal128(38, 0)),
        [(1, TYPE)],
    ),
    ("members", pa.array([1.5, -1.0]), [(1, TYPE), (2, TYPE)]),
    ("is_good", pa.array([2, 1], pa.int8()), [(1, TYPE)]),
    ("day", pa.array([dt.datetime(2024, 2, 29, 0, 0, 1)], pa.timestamp("ms")), [(1, TYPE)]),
    ("day", pa.array([-800_000, 2_932_897], pa.int32()).cast(pa.date32()), [(1, TYPE), (2, TYPE)]),
    ("day", pa.array([OTHER_2020, 18_320], pa.int32()).cast(pa.date32()), [(1, TYPE)]),
    ("day", pa.array([OTHER_2020 * 86_400]).cast(pa.timestamp("s")), [(1, TYPE)]),
    ("at", pa.array([OTHER_2020 * 86_400, 0]).cast(pa.timestamp("s", "UTC")), [(1, TYPE)]),
    ("at", pa.array([OTHER_2020 * 86_400_000_000]).cast(pa.timestamp("us", "UTC")), [(1, TYPE)]),
    ("at", pa.array([1], pa.int64()).cast(pa.timestamp("ns", "UTC")), [(1, TYPE)]),
    ("id", pa.array(["", "A 1"]), [(1, CONSTRAINT), (2, CONSTRAINT)]),
    ("note", pa.array(["a\x00b", "a\tb"]), [(1, CONSTRAINT), (2, CONSTRAINT)]),
    ("code", pa.array(["\x00", "ok"]), [(1, CONSTRAINT)]),
]


@pytest.mark.parametrize(("name", "values", "errors"), WRONG_VALUES, ids=[f"{n}-{v.type}" for n, v, _ in WRONG_VALUES])
def test_value_that_is_not_exact_is_named(name: str, values: pa.Array, errors: list[tuple[int, str]]) -> None:
    _, found = read_column(name, values)
    assert sorted(found.errors) == [(row, name, rule) for row, rule in errors]


def test_day_that_no_calendar_has_is_shown_as_the_number_that_is_stored() -> None:
    rows = first_delivery().rows["offices"]
    columns = {name: pa.array([str(row[name]) or None for row in rows]) for name in COLUMNS["offices"].split()}
    out = io.BytesIO()
    pq.write_table(pa.table(columns | {"opened_on": pa.array([OTHER_2020, 0], pa.int32()).cast(pa.date32())}), out)
    (found,) = read(out.getvalue(), load_datasets()["offices"], format="parquet").findings
    assert (found["row"], found["column"], found["value"]) == (1, "opened_on", str(OTHER_2020))


WRONG_TYPES: list[tuple[str, pa.Array]] = [
    ("id", pa.array([7])), ("code", pa.array([7])), ("code", pa.array([7.0])), ("note", pa.array([7])),
    ("name", pa.array([True])), ("word", pa.array([1])), ("month", pa.array([dt.date(2024, 2, 1)])),
    ("day", pa.array([20240229])), ("day", pa.array([dt.datetime(2024, 2, 29)], pa.timestamp("ms", "UTC"))),
    ("at", pa.array([dt.datetime(2024, 2, 29)], pa.timestamp("ms"))), ("at", pa.array([dt.date(2024, 2, 29)])),
    ("is_good", pa.array([1.0])), ("paid_vnd", pa.array([5.0], pa.float32())), ("paid_vnd", pa.array([b"5"])),
    ("paid_vnd", pa.array([[5]])), ("paid_vnd", pa.array([True])), ("note", pa.array([b"x"])),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values"), WRONG_TYPES, ids=[f"{n}-{v.type}" for n, v in WRONG_TYPES])
def test_column_of_a_type_that_loses_something_is_refused(name: str, values: pa.Array) -> None:
    _, found = read_column(name, values)
    assert (found.errors, found.rows) == ([(None, name, TYPE)], [])


def test_values_in_a_column_said_to_have_none_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The statistics of a file are what its writer says."""
    monkeypatch.setattr("ingestion.read_parquet._is_empty", lambda *_: True)
    _, found = read_column("code", pa.array([None, 7]))
    assert found.errors == [(2, "code", TYPE)]


def test_personal_value_is_masked() -> None:
    (found,) = read(parquet({"name": pa.array(["Lê\tBí Mật"])}), format="parquet").findings
    assert found["value"] == "***"


def test_columns_are_checked_by_name() -> None:
    found = read(parquet({"extra": pa.array([1])}), format="parquet")
    assert (found.errors, found.warnings, len(found.rows)) == ([], [(None, "extra", "extra-label")], 1)
    out = io.BytesIO()
    pq.write_table(pa.table({name: [value] for name, value in GOOD.items() if name != "day"}), out)
    assert read(out.getvalue(), format="parquet").errors == [(None, "day", "missing-label")]
    doubled = pa.Table.from_arrays([pa.array([v]) for v in [*GOOD.values(), "x"]], [*GOOD, "day"])
    out = io.BytesIO()
    pq.write_table(doubled, out)
    assert read(out.getvalue(), format="parquet").errors == [(None, "day", "duplicate-label")]


def test_rows_are_numbered_through_row_groups_and_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestion.read_parquet.BATCH_ROWS", 7)
    days = pa.array(["2024-02-29"] * 18 + ["today", "2024-02-29"])
    found = read(parquet({"day": days}, 20, row_group_size=5), format="parquet")
    assert found.errors == [(19, "day", TYPE)]
    assert found.totals.row_count == 20


def test_text_that_is_not_utf8_is_named_and_its_row_set_aside() -> None:
    bad = pa.Array.from_buffers(pa.string(), 3, pa.array([b"x", b"\xff", b"y"]).buffers())
    found = read(parquet({"note": bad, "rate_pct": pa.array([6.6, 6.6, 6.66666])}, 3), format="parquet")
    assert found.errors == [(2, None, "encoding-error"), (3, "rate_pct", TYPE)]
    assert [row[2] for row in found.rows] == ["x", "y"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PAR1",
        b"x" * 100,
        parquet()[:-10],
        parquet()[:200] + parquet()[-400:],
        parquet().replace(b"day_of_month", b"day_of_\xd5\xff\xffth"),
    ],
)
def test_file_that_is_no_whole_parquet_is_named(data: bytes) -> None:
    assert read(data, format="parquet").errors == [(None, None, "source-error")]


def test_page_that_does_not_match_its_checksum_is_noticed() -> None:
    data = parquet(write_page_checksum=True, compression="none", use_dictionary=False)
    assert read(data, format="parquet").findings == []
    assert read(data.replace(b"1500000", b"1500001"), format="parquet").errors == [(None, None, "source-error")]


def test_parquet_file_of_absurdly_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestion.read_parquet.ALWAYS_ALLOWED_BYTES", 1000)
    many = {name: pa.repeat(value, 2_000_000) for name, value in GOOD.items() if name in ("id", "day")}
    out = io.BytesIO()
    pq.write_table(pa.table(many), out)
    assert len(out.getvalue()) * MAX_RATIO < 2_000_000
    with pytest.raises(UnsafeInputError):
        read(out.getvalue(), format="parquet")


def test_parquet_inside_gzip_is_read(tmp_path: Path) -> None:
    path = tmp_path / "things.parquet.gz"
    path.write_bytes(gzip.compress(parquet(rows=2)))
    with open_stream(path, "gz") as stream:
        assert sum(block.row_count for block in read_blocks(stream, THINGS, format="parquet")) == 2


def test_parquet_has_no_dialect() -> None:
    assert read(parquet(), format="parquet", dialect={"delimiter": ";"}).errors == [(None, None, "dialect-error")]
