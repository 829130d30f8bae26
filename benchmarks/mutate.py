"""Random mutations of a valid delivery: bytes, cells, rows, files and the manifest.

What the manifest's figures protect may be altered under a hash that was made to agree, as by a system that packs what
it finds: keys, amounts, rows, types. Everything else is altered behind the manifest's back.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.deliveries import KEYS, MONEY

PLACE = "datapackage.json"
Table = list[list[str]]
Mutation = Callable[[Path, random.Random], str]

NONSENSE = [
    "",
    "x",
    "-1",
    "1.5",
    "1e3",
    "NaN",
    "1_000",
    "１",
    "2025-02-30",
    "a\tb",
    "\x00",
    "=1+1",
    "'",
    '"',
    "\\.",
    "9" * 30,
    "ổ" * 501,
    " ",
    "null",
]
BALANCES = {"loan_book": ["in_term_vnd", "overdue_vnd", "frozen_vnd"], "capital_positions": ["balance_vnd"]}
"""Columns whose every value, not only their sum, is proven by the roll-forward."""


def mutate(folder: Path, chance: random.Random) -> str:
    """Alter one delivery folder in one random way and return what was done. Some byte of it is another then."""
    before = _read(folder)
    while True:
        name = chance.choice(sorted(MUTATIONS))
        done = f"{name}: {MUTATIONS[name](folder, chance)}"
        if _read(folder) != before:
            return done


def _read(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _pick(folder: Path, chance: random.Random) -> Path:
    return chance.choice(sorted(path for path in folder.iterdir() if path.name != PLACE))


def _alter(data: bytes, chance: random.Random) -> bytes:
    """Flip, insert, delete, double or cut off a few bytes."""
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 2, 5])):
        at = chance.randrange(len(changed) or 1)
        match chance.randrange(5):
            case 0:
                changed[at : at + 1] = bytes([changed[at] ^ (1 << chance.randrange(8))]) if changed else b"x"
            case 1:
                changed[at:at] = chance.randbytes(chance.choice([1, 1, 7]))
            case 2:
                del changed[at : at + chance.choice([1, 1, 30])]
            case 3:
                changed[at:at] = changed[at : at + 20]
            case _:
                del changed[at:]
    return bytes(changed)


def _bytes(folder: Path, chance: random.Random) -> str:
    path = _pick(folder, chance)
    path.write_bytes(_alter(path.read_bytes(), chance))
    return path.name


def _packed_bytes(folder: Path, chance: random.Random) -> str:
    """The manifest agrees with the altered archive, whose own checksum then must not."""
    path = _pick(folder, chance)
    path.write_bytes(_alter(path.read_bytes(), chance))
    return _rehash(folder, path)


def _manifest_bytes(folder: Path, chance: random.Random) -> str:
    path = folder / PLACE
    path.write_bytes(_alter(path.read_bytes(), chance))
    return "bytes"


def _rehash(folder: Path, path: Path) -> str:
    """Make size and hash in the manifest agree with the file again."""
    descriptor = json.loads((folder / PLACE).read_text())
    resource = next(resource for resource in descriptor["resources"] if resource["path"] == path.name)
    stored = path.read_bytes()
    resource.update(bytes=len(stored), hash="sha256:" + hashlib.sha256(stored).hexdigest())
    (folder / PLACE).write_text(json.dumps(descriptor, ensure_ascii=False))
    return path.name


def _on_table(change: Callable[[str, Table, random.Random], str]) -> Mutation:
    """A mutation of the rows of one dataset; row 0 is the header. The hash is made to agree."""

    def apply(folder: Path, chance: random.Random) -> str:
        path = _pick(folder, chance)
        dataset = path.name.split(".")[0]
        table = list(csv.reader(io.StringIO(gzip.decompress(path.read_bytes()).decode(), newline="")))
        done = change(dataset, table, chance)
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(table)
        path.write_bytes(gzip.compress(text.getvalue().encode(), 1, mtime=0))
        return f"{_rehash(folder, path)} {done}"

    return apply


def _cell(dataset: str, table: Table, chance: random.Random) -> str:
    """A key, an amount or nonsense."""
    if len(table) < 2:
        table.append(["x"] * len(table[0]))
        return "a row of nonsense"
    row, guarded = chance.randrange(1, len(table)), [*KEYS[dataset], *MONEY.get(dataset, [])]
    column = chance.randrange(len(table[0])) if chance.random() < 0.5 else table[0].index(chance.choice(guarded))
    if table[0][column] in guarded and chance.random() < 0.7:
        old = table[row][column]
        table[row][column] = str(int(old) + chance.choice([-1, 1, 1000])) if old.isdigit() else old + "1"
    else:
        table[row][column] = chance.choice(["x\ty", "\x00", "ổ" * 501])
    return f"row {row} {table[0][column]}={table[row][column][:20]!r}"


def _balances(dataset: str, table: Table, chance: random.Random) -> str:
    """Exchange two amounts: every sum and every key stays as it was."""
    columns = [table[0].index(name) for name in BALANCES.get(dataset, [])]
    if not columns:
        return _cell(dataset, table, chance)
    column, (one, other) = chance.choice(columns), chance.sample(range(1, len(table)), 2)
    table[one][column], table[other][column] = table[other][column], table[one][column]
    return f"{table[0][column]} of rows {one} and {other} exchanged"


def _rows(dataset: str, table: Table, chance: random.Random) -> str:
    if len(table) < 2:
        return _cell(dataset, table, chance)
    row = chance.randrange(1, len(table))
    match chance.randrange(4):
        case 0:
            del table[row]
            return f"row {row} lost"
        case 1:
            table.insert(row, list(table[row]))
            return f"row {row} doubled"
        case 2:
            rows = table[1:]
            chance.shuffle(rows)
            table[1:] = rows
            return "rows in another order"
        case _:
            other = chance.randrange(1, len(table))
            table[row] = list(table[other])
            return f"row {row} replaced by row {other}"


def _columns(_: str, table: Table, chance: random.Random) -> str:
    column = chance.randrange(len(table[0]))
    match chance.randrange(4):
        case 0:
            for row in table:
                del row[column]
            return f"column {column} lost"
        case 1:
            table[0][column] = chance.choice(["", "x", table[0][0], table[0][column].upper()])
            return f"header {column} changed"
        case 2:
            for row in table:
                row.append(row[column])
            return f"column {column} doubled"
        case _:
            order = chance.sample(range(len(table[0])), len(table[0]))
            table[:] = [[row[place] for place in order] for row in table]
            return "columns in another order"


def _files(folder: Path, chance: random.Random) -> str:
    one, other = _pick(folder, chance), _pick(folder, chance)
    match chance.randrange(5):
        case 0:
            one.unlink()
            return f"{one.name} lost"
        case 1:
            one.write_bytes(b"")
            return _rehash(folder, one) + " emptied"
        case 2:
            content = one.read_bytes()
            one.write_bytes(other.read_bytes())
            other.write_bytes(content)
            _rehash(folder, other)
            return f"{_rehash(folder, one)} and {other.name} exchanged"
        case 3:
            one.write_bytes(gzip.compress(gzip.decompress(one.read_bytes()), 9))
            return _rehash(folder, one) + " packed again"
        case _:
            one.write_bytes(one.read_bytes() + gzip.compress(b"x"))
            return _rehash(folder, one) + " with another member"


def _manifest(folder: Path, chance: random.Random) -> str:
    """Remove, replace or double one value anywhere in the manifest."""
    descriptor = json.loads((folder / PLACE).read_text())
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            places.append((node, key))
            if isinstance(value, dict | list):
                walk(value)

    walk(descriptor)
    node, key = chance.choice(places)
    before = node[key]
    match chance.randrange(4):
        case 0:
            del node[key]
        case 1 if isinstance(before, int):
            node[key] = chance.choice(
                [before + 1, before - 1, -before, float(before), str(before), before + 2**64, not before]
            )
        case 1 if isinstance(before, str) and before:
            at = chance.randrange(len(before))
            node[key] = before[:at] + chance.choice("0123456789abcdefZ-/. ") + before[at + 1 :]
        case 2 if isinstance(node, list):
            node.append(before)
        case _:
            node[key] = chance.choice(
                [None, True, 0, 1, -1, "", "x", [], {}, *NONSENSE, "windows-1258", "utf-8-sig", "gz", "xlsx"]
            )
    (folder / PLACE).write_text(json.dumps(descriptor, ensure_ascii=False))
    return f"{key}: {str(before)[:30]!r}"


def _extra_property(folder: Path, chance: random.Random) -> str:
    descriptor = json.loads((folder / PLACE).read_text())
    resource = chance.choice(descriptor["resources"])
    added = chance.choice([
        {"dialect": {"delimiter": ";"}}, {"dialect": {"quoteChar": "'"}}, {"dialect": {"header": False}}, {"dialect": {"delimiter": "\t"}},
        {"dialect": {"skipInitialSpace": True}}, {"dialect": {"doubleQuote": False}}, {"dialect": {"commentChar": "C"}},
        {"dialect": {"nullSequence": "0"}}, {"encoding": "windows-1258"}, {"encoding": "utf-8-sig"}, {"encoding": "utf-16"},
        {"compression": None}, {"compression": "bz2"}, {"format": "xlsx"}, {"format": "parquet"}, {"schema": {}}, {"path": "offices.csv.gz"},
    ])  # fmt: skip
    resource.update(added)
    (folder / PLACE).write_text(json.dumps(descriptor, ensure_ascii=False))
    return f"{resource['name']} {added}"


MUTATIONS: dict[str, Mutation] = {
    "bytes": _bytes,
    "packed bytes": _packed_bytes,
    "manifest bytes": _manifest_bytes,
    "cells": _on_table(_cell),
    "balances": _on_table(_balances),
    "rows": _on_table(_rows),
    "columns": _on_table(_columns),
    "files": _files,
    "manifest": _manifest,
    "reading": _extra_property,
}
