"""Warehouses as earlier versions of the code made and filled them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from warehouse import schema

CHUNKS = 12
"""The DDL file before which a leaf was part of its dataset's table itself."""
ATTACH_TO_THE_TABLE = """
create or replace function meta.attach_leaf(schema_name text, dataset text, delivery_id bigint) returns void
language plpgsql as $$
begin
    execute format(
        'alter table %1$I.%2$I attach partition %1$I.%3$I for values in (%4$s)',
        schema_name, dataset || '_rows', dataset || '_d' || delivery_id, delivery_id
    );
end
$$;
"""


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
            (older / "ddl" / f"{number - 1:03}_leaves.sql").write_text(ATTACH_TO_THE_TABLE)
        if number <= 11:
            # The code of today asks who was erased; the code of that day did not.
            patch.setattr("ingestion.load.forget_erased", lambda *_: 0)
        yield
    schema.definition_sha256.cache_clear()
