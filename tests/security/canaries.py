"""Synthetic persons whose every value is found nowhere else, and a search for them in everything that a warehouse keeps.

A value is looked for as it stands, JSON-escaped, and in what is compressed (gzip, zip, PDF streams).
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from tests.support.deliveries import Delivery, to_csv


@dataclass(frozen=True)
class Person:
    """Personal values that occur once in the world."""

    full_name: str
    national_id: str
    phone: str
    birth_date: str

    @property
    def words(self) -> list[str]:
        return [self.full_name, self.national_id, self.phone, self.birth_date]


GOOD = Person("Zưởng Thị Quýt Một", "096180777001", "0967770001", "1911-11-01")
FAULTY = Person("Zưởng Văn Quýt Hai", "058180777002", "0587770002", "1911-11-02")
REPEATED = Person("Zưởng Văn Quýt Ba", "058180777003", "0587770003", "1911-11-03")
BROKEN = Person("Zưởng Thị Quýt Bốn", "058180777004", "0587770004", "1911-11-04")
SHIFTED = Person("Zưởng Thị Quýt Năm", "058180777005", "0587770005", "1911-11-05")
PERSONS = (GOOD, FAULTY, REPEATED, BROKEN, SHIFTED)
WORDS = [word for person in PERSONS for word in person.words]


def make_person(delivery: Delivery, row: int, person: Person) -> Delivery:
    """Make a customer of the delivery this person."""
    return delivery.edit(
        "customers", row, full_name=person.full_name, national_id=person.national_id, phone=person.phone,
        birth_date=person.birth_date,
    )  # fmt: skip


def deliver_good(delivery: Delivery) -> Delivery:
    """A delivery that is published."""
    return make_person(delivery, 1, GOOD)


def deliver_faulty(delivery: Delivery) -> Delivery:
    """A delivery with faults wherever a person's values might be quoted: a wrong value, one key twice, too many cells."""
    make_person(delivery, 1, FAULTY).edit("customers", 1, birth_date=f"born {FAULTY.birth_date}")
    make_person(delivery, 2, REPEATED)
    delivery.rows["customers"].append(dict(delivery.rows["customers"][1]))
    text = to_csv("customers", delivery.rows["customers"]).decode()
    text += f'C5899999,580001,"{BROKEN.full_name}",{BROKEN.birth_date},{BROKEN.national_id},{BROKEN.phone},"unclosed\n'
    delivery.payloads["customers"] = gzip.compress(text.encode(), 1, mtime=0)
    return delivery


def deliver_shifted(delivery: Delivery) -> Delivery:
    """A delivery with a row that has slipped by a column: a name stands where a code should."""
    make_person(delivery, 1, SHIFTED)
    return delivery.edit("customers", 1, sex=SHIFTED.full_name, ethnic_code=SHIFTED.national_id)


@dataclass
class Found:
    """How many things of a place were searched, and in which of them a person was found."""

    searched: int = 0
    hits: list[str] = field(default_factory=list)

    def look(self, label: str, content: bytes) -> None:
        self.searched += 1
        if any(word in layer for layer in _layers(content) for word in _forms()):
            self.hits.append(label)


def _forms() -> Iterator[bytes]:
    for word in WORDS:
        yield word.encode()
        escaped = json.dumps(word)[1:-1].encode()
        if escaped != word.encode():
            yield escaped


def _layers(content: bytes, depth: int = 3) -> Iterator[bytes]:
    """The bytes, and what is packed in them."""
    yield content
    if not depth:
        return
    with contextlib.suppress(OSError, EOFError, zlib.error, zipfile.BadZipFile):
        if content.startswith(b"\x1f\x8b"):
            yield from _layers(gzip.decompress(content), depth - 1)
        elif content.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                for name in archive.namelist():
                    yield from _layers(archive.read(name), depth - 1)
    if content.startswith(b"%PDF"):
        for stream in re.findall(rb"stream\r?\n(.*?)endstream", content, re.DOTALL):
            with contextlib.suppress(zlib.error):
                yield zlib.decompressobj().decompress(stream)


def search_files(paths: Iterable[Path]) -> Found:
    """Search files, and folders with everything below them."""
    found = Found()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and not file.is_symlink():
                found.look(file.name, file.read_bytes())
    return found


def search_database(url: str) -> dict[str, Found]:
    """Search every row of every table and view of a database, and every comment, by schema."""
    found: dict[str, Found] = {}
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "select n.nspname, c.relname from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid "
            "where c.relkind in ('r', 'p', 'v', 'm') and n.nspname not in ('information_schema', 'pg_catalog', 'pg_toast')"
        ).fetchall()
        for schema, table in tables:
            place = found.setdefault(schema, Found())
            statement = sql.SQL("select t::text from {} as t").format(sql.Identifier(schema, table))
            content = "\n".join(row[0] or "" for row in connection.execute(statement))
            place.look(f"{schema}.{table}", content.encode())
        statistics = connection.execute("select schemaname || '.' || tablename, s::text from pg_stats as s").fetchall()
        for label, content in statistics:
            found.setdefault(f"statistics of {label.split('.')[0]}", Found()).look(label, content.encode())
    return found
