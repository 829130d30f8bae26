"""The figures that the manifest is compared with are exact, and no doubled key slips through."""

from __future__ import annotations

import io
import random
import zlib

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from contract.model import Column, ColumnType, Dataset
from ingestion.read import read_blocks
from ingestion.totals import Totals, find_duplicate_keys, sum_vnd
from tests.support.reading import THINGS, file_of, read, row_of

PAIRS = Dataset(
    name="pairs",
    kind="full",
    is_large=False,
    description="A key of two columns.",
    columns=(
        Column("contract_no", ColumnType.CODE, "", is_key=True, max_length=24),
        Column("paid_vnd", ColumnType.VND, "", nullable=True, minimum=0),
        Column("customer_id", ColumnType.CODE, "", is_key=True, max_length=24),
    ),
)


def pairs(*rows: str) -> bytes:
    return ("contract_no,paid_vnd,customer_id\n" + "".join(f"{row}\n" for row in rows)).encode()


def find_doubled(data: bytes, block_bytes: int = 1 << 20) -> list[tuple[int, str | None]]:
    totals = Totals(PAIRS)
    for block in read_blocks(io.BytesIO(data), PAIRS, block_bytes=block_bytes):
        totals.add(block)
    again = read_blocks(io.BytesIO(data), PAIRS, block_bytes=block_bytes)
    found = find_duplicate_keys(again, PAIRS, totals.keys.find_doubled())
    return [(row["row"], row["value"]) for table in found for row in table.to_pylist()]


def test_totals_are_those_of_the_contract() -> None:
    totals = read(pairs("1,5,x", "2,,y", "3,7,z"), PAIRS).totals
    assert (totals.row_count, totals.control_totals) == (3, {"paid_vnd": 12})
    assert totals.key_checksum == zlib.crc32(b"1|x") + zlib.crc32(b"2|y") + zlib.crc32(b"3|z")


def test_empty_file_has_totals_of_nothing() -> None:
    totals = read(pairs(), PAIRS).totals
    assert (totals.row_count, totals.control_totals, totals.key_checksum) == (0, {"paid_vnd": 0}, 0)


def test_control_total_is_exact_where_a_bigint_would_overflow() -> None:
    largest = 2**63 - 1
    found = read(file_of(*(row_of({"id": f"A{n}", "paid_vnd": str(largest)}) for n in range(1000))))
    assert found.findings == []
    assert found.totals.control_totals == {"paid_vnd": 1000 * largest, "moved_vnd": -5000}


@pytest.mark.parametrize("seed", range(3))
def test_sum_of_signed_amounts_is_exact(seed: int) -> None:
    chance = random.Random(seed)
    numbers = [chance.randrange(-(2**63), 2**63) for _ in range(500)] + [0] * seed
    texts: list[str | None] = [str(number) for number in numbers]
    assert sum_vnd(pa.chunked_array([[*texts, None]], pa.string())) == sum(numbers)


def test_totals_do_not_depend_on_the_size_of_blocks() -> None:
    data = file_of(*(row_of({"id": f"A{n}", "paid_vnd": str(n)}) for n in range(300)))
    seen = {
        (totals.row_count, totals.key_checksum, tuple(totals.control_totals.items()))
        for totals in (read(data, block_bytes=size).totals for size in (1000, 5000, 1 << 20))
    }
    assert len(seen) == 1


def test_rows_that_cannot_be_read_are_counted_all_the_same() -> None:
    totals = read(pairs("1,5,x", "2", "", "3,x,z"), PAIRS).totals
    assert (totals.row_count, totals.control_totals["paid_vnd"]) == (4, 5)


@pytest.mark.parametrize("block_bytes", [64, 1 << 20])
def test_every_row_of_a_doubled_key_is_named(block_bytes: int) -> None:
    rows = [f"{n},1,x" for n in range(50)]
    rows[40] = rows[3]
    rows[49] = rows[3]
    rows[7] = "7,1,y"  # another customer with a contract number that is used again is another key
    assert find_doubled(pairs(*rows, "7,1,x"), block_bytes) == [(4, "3|x"), (41, "3|x"), (50, "3|x")]


def test_very_many_doubled_keys_are_all_named_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestion.totals.MANY_DOUBLES", 20)
    rows = [f"{n % 60},1,x" for n in range(110)]
    expected = [(n + 1, f"{n % 60}|x") for n in range(110) if n < 50 or n >= 60]
    assert find_doubled(pairs(*rows), 64) == expected


def test_parts_of_a_key_do_not_run_together() -> None:
    assert find_doubled(pairs("1,1,23", "12,1,3")) == []


def test_keys_are_compared_by_case_and_leading_zeros() -> None:
    assert find_doubled(pairs("a,1,x", "A,1,x", "01,1,x", "1,1,x")) == []


def test_two_keys_of_one_hash_are_not_taken_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestion.totals.hash_keys", lambda keys: pc.binary_length(keys).cast("int64").to_numpy())
    assert find_doubled(pairs("1,1,x", "2,1,x", "33,1,x", "2,1,x")) == [(2, "2|x"), (4, "2|x")]


def test_dataset_without_a_key_has_no_checksum() -> None:
    keyless = Dataset("keyless", "full", False, (Column("a", ColumnType.CODE, "", max_length=24),), "No key.")
    totals = read(b"a\n1\n1\n", keyless).totals
    assert (totals.key_checksum, len(totals.keys.find_doubled())) == (0, 0)
    assert THINGS.key == ("id",)
