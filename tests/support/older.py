"""Warehouses as earlier versions of the code made and filled them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contract.model import Dataset
from warehouse import schema
from warehouse.connect import Connection

CHUNKS = 12
"""The DDL file before which a leaf was part of its dataset's table itself."""


@contextmanager
def code_before(number: int, folder: Path) -> Iterator[None]:
    """Work by the definition as it was before the DDL file of this number; `folder` is for its copy."""
    older = folder / "warehouse"
    shutil.copytree(schema.FOLDER, older, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (older / "ddl").glob("*.sql"):
        if int(file.name[:3]) >= number:
            file.unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "FOLDER", older)
        schema.definition_sha256.cache_clear()
        if number <= CHUNKS:
            patch.setattr(schema, "LARGE_LAYOUT", "partition by list (delivery_id)")
            patch.setattr("ingestion.load._attach", _attach_to_the_table)
        if number <= 11:
            # The code of today asks who was erased; the code of that day did not.
            patch.setattr("ingestion.load.forget_erased", lambda *_: 0)
        yield
    schema.definition_sha256.cache_clear()


def _attach_to_the_table(connection: Connection, schema_name: str, dataset: Dataset, delivery_id: int) -> None:
    name = f"{schema_name}.{dataset.name}"
    connection.execute(
        f"alter table {name}_rows attach partition {name}_d{delivery_id} for values in ({delivery_id})".encode()
    )
