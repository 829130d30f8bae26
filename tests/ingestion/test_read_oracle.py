"""Whatever is done to a good file, it is read exactly as a plain, slow reading reads it, or not at all."""

from __future__ import annotations

import random

import pytest

from contract.model import Column, ColumnType, Dataset
from tests.support.csv_oracle import read_exactly
from tests.support.reading import GOOD, NAMES, THINGS, file_of, read

PAIR = Dataset(
    name="pair",
    kind="full",
    is_large=False,
    description="Little to fail but the structure.",
    columns=(
        Column("a", ColumnType.TEXT, "", nullable=True, max_length=500),
        Column("b", ColumnType.TEXT, "", nullable=True, max_length=500),
    ),
)
PIECES = [b'"', b'""', b",", b"\n", b"\r\n", b"\r", b"\0", b" ", b"x", b"-", b"0", b"9", b"\xe1\xba\xbf", b"\xff", b"\xc3",
          b"e\xcc\x81", b"\xef\xbb\xbf", b"\\", b"\\.", b"#", b"\t", b'"a,b"', b'"\n"', b"+", b".", b"\xef\xbf\xbd"]  # fmt: skip


def mutate(data: bytes, chance: random.Random, times: int = 3) -> bytes:
    for _ in range(chance.randint(1, times)):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                data = data[:place] + chance.choice(PIECES) + data[place:]
            case 1:
                data = data[:place] + data[place + chance.randint(1, 3) :]
            case 2:
                data = data[:place] + chance.choice(PIECES) + data[place + 1 :]
            case _:
                other = chance.randrange(len(data) + 1)
                data = data[:place] + data[min(place, other) : max(place, other)][:40] + data[place:]
    return data


def small_file(chance: random.Random) -> bytes:
    end = chance.choice(("\n", "\r\n"))
    values = ["", '""', "x", '"a,b"', '"say ""so"""', "é", '""""', " ", "1.5"]
    extra = ["", ',"a\n\nb"', ',"\r"', ",x", ',"\n,"']
    has_extra = chance.random() < 0.5
    lines = [
        f"{chance.choice(values)},{chance.choice(values)}{chance.choice(extra[1:]) if has_extra else ''}{end}"
        for _ in range(chance.randint(0, 30))
    ]
    data = file_of(*lines, header="b,a,extra" if has_extra else "a,b", end=end)
    return data.removesuffix(end.encode()) if chance.random() < 0.2 else data


def wide_file(chance: random.Random) -> bytes:
    order = NAMES if chance.random() < 0.5 else chance.sample(NAMES, len(NAMES))
    rows = [{**GOOD, "id": f"A{number}", "note": '"a, ""b"""'} for number in range(4)]
    return file_of(*(",".join(row[name] for name in order) + "\n" for row in rows), header=",".join(order))


def compare(data: bytes, dataset: Dataset, block_bytes: int) -> bool:
    """Check one file; return whether it was a good one."""
    expected = read_exactly(data, dataset)
    found = read(data, dataset, block_bytes=block_bytes)
    assert (expected is None) == bool(found.errors), (data, found.findings)
    if expected is not None:
        assert found.rows == expected, data
        assert found.totals.row_count == len(expected), data
    return expected is not None


@pytest.mark.parametrize("seed", range(3))
def test_mutated_small_file_is_read_as_the_plain_reading_reads_it_or_refused(seed: int) -> None:
    chance, good = random.Random(seed), 0
    for _ in range(300):
        good += compare(mutate(small_file(chance), chance), PAIR, chance.choice((192, 256, 1 << 16)))
    assert 30 < good < 270, good


@pytest.mark.parametrize("seed", range(3))
def test_mutated_file_of_every_type_is_read_as_the_plain_reading_reads_it_or_refused(seed: int) -> None:
    chance, good = random.Random(seed), 0
    for _ in range(150):
        good += compare(mutate(wide_file(chance), chance, times=1), THINGS, chance.choice((256, 400, 1 << 16)))
    assert 10 < good < 140, good
