"""Archive bombs in files that are archives themselves: seen from their tables of contents, before anything is staged.

A gzip bomb is noticed while its content is hashed (`ingestion.streams`); so is one around a workbook or a Parquet file.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import IO

import pyarrow.parquet as pq

from ingestion.read_parquet import UNREADABLE, require_no_bomb
from ingestion.streams import seekable_file
from ingestion.xlsx_book import require_safe


def require_no_archive_bomb(stream: IO[bytes], format: str) -> None:
    """Raise UnsafeInputError for a bomb; a file that cannot be read at all is no bomb, and held later on."""
    if format not in ("xlsx", "parquet"):
        return
    with seekable_file(stream) as (file, size):
        try:
            if format == "xlsx":
                with zipfile.ZipFile(file) as archive:
                    require_safe(archive, size)
            else:
                require_no_bomb(pq.ParquetFile(file).metadata, size)
        except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, *UNREADABLE):
            return
