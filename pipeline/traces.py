"""Traces of a person in files beside the database: logs, pages, feedback, reports, what lies in the store unasked.

No step writes personal values into any of them; the erasure searches all the same, for it has to prove it.
"""

from __future__ import annotations

import datetime as dt
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from ingestion.store import Store
from warehouse.connect import Connection, Warehouse
from warehouse.server import EmbeddedServer

CHUNK = 1 << 20
MASK = "***"
PERSONAL_COLUMN = b"full_name"
"""By this column a file of customers is known, whoever sent it under whatever name."""
TEXTS = {".log", ".html", ".csv", ".json", ".txt", ".jsonl", ".sql", ".out"}


def find_traces(warehouse: Warehouse, values: set[str]) -> dict[str, list[Path]]:
    """Return, by place, the files that hold one of the values."""
    wanted = [value.encode() for value in sorted(values)]
    return {name: [path for path in files if wanted and _holds(path, wanted)] for name, files in _places(warehouse)}


def mask_traces(warehouse: Warehouse, values: set[str]) -> None:
    """Mask the values in text files."""
    for paths in find_traces(warehouse, values).values():
        for path in paths:
            if path.suffix in TEXTS:
                _mask(path, values)


def find_registered(warehouse: Warehouse, connection: Connection) -> set[Path]:
    """Return the stored files of deliveries on record."""
    store = Store(warehouse.settings.store)
    known = connection.execute("select stored_sha256 from meta.delivery_files").fetchall()
    return {store.path(sha256) for (sha256,) in known}


def find_strays(
    warehouse: Warehouse, connection: Connection, customer_ids: list[str], since: dt.datetime | None = None
) -> list[Path]:
    """Return stored customers' files that belong to no delivery on record and name one of these customers.

    They were kept of refused deliveries and of repeats, and nothing reads them. `since`: of those kept after it.
    """
    store = Store(warehouse.settings.store)
    registered = find_registered(warehouse, connection)
    wanted = [customer_id.encode() for customer_id in customer_ids]
    return [
        path
        for path in store.files()
        if path not in registered
        and (since is None or path.stat().st_mtime >= since.timestamp())
        and wanted
        and _holds(path, [PERSONAL_COLUMN])
        and _holds(path, wanted)
    ]


def _places(warehouse: Warehouse) -> Iterator[tuple[str, Iterator[Path]]]:
    home = warehouse.settings.home
    folders = {
        "logs": [home / "airflow", home / "dbt", EmbeddedServer(home).data / "log"],
        "pages and Data Docs": [home / "status", home / "data_docs", home / "validations", home / "dbt_docs"],
        "feedback": [warehouse.settings.outbox],
        "reports": [home / "reports"],
    }
    for name, roots in folders.items():
        yield name, (path for root in roots if root.exists() for path in root.rglob("*") if path.is_file())


def _holds(path: Path, wanted: list[bytes]) -> bool:
    longest, tail = max(map(len, wanted)), b""
    for chunk in _read(path):
        if any(value in tail + chunk for value in wanted):
            return True
        tail = (tail + chunk)[-longest:]
    return False


def _read(path: Path) -> Iterator[bytes]:
    """What is written in a file, unpacked where it is gzip, a zip (XLSX) or Parquet, as far as it can be read."""
    try:
        with path.open("rb") as file:
            magic = file.read(4)
        if magic == b"PAR1":
            yield _parquet_as_text(path)
        elif magic == b"PK\x03\x04":
            with zipfile.ZipFile(path) as book:
                for name in book.namelist():
                    yield book.read(name)
        else:
            with gzip.open(path, "rb") if magic[:2] == b"\x1f\x8b" else path.open("rb") as stream:
                while chunk := stream.read(CHUNK):
                    yield chunk
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, ValueError):
        return


def _parquet_as_text(path: Path) -> bytes:
    import pyarrow.csv as pa_csv  # noqa: PLC0415 - only for files in this form
    import pyarrow.parquet as pq  # noqa: PLC0415

    text = io.BytesIO()
    pa_csv.write_csv(pq.read_table(path), text)
    return text.getvalue()


def _mask(path: Path, values: set[str]) -> None:
    content = path.read_bytes()
    for value in values:
        content = content.replace(value.encode(), MASK.encode())
    # In place: a process may have its log open.
    with path.open("r+b") as file:
        file.write(content)
        file.truncate()
