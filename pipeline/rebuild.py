"""A warehouse from nothing but the delivered bytes: the store laid out as a landing, to be taken in again (law 11).

Visible rows and marts come out the same. The ledger's history, quarters and decisions do not: these are in the backup.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from ingestion.landing import DESCRIPTOR
from ingestion.store import Store

LARGEST_DESCRIPTOR = 8 << 20


def lay_out(store: Store, landing: Path) -> int:
    """Lay every delivery whose descriptor and files are all in the store out below `landing`; return their number.

    Of two contents under one number the one that was kept first is laid out, as it was published first.
    """
    count = 0
    files = [path for path in store.root.glob("sha256/*/*") if path.stat().st_size <= LARGEST_DESCRIPTOR]
    for path in sorted(files, key=lambda file: (file.stat().st_mtime_ns, file.name)):
        descriptor = _read_descriptor(path)
        if descriptor is not None and _lay_out_one(store, landing, path, descriptor):
            count += 1
    return count


def _read_descriptor(path: Path) -> dict[str, Any] | None:
    content = path.read_bytes()
    if not content.lstrip().startswith(b"{"):
        return None
    try:
        found = json.loads(content)
    except ValueError:
        return None
    return (
        found
        if isinstance(found, dict) and {"branchCode", "businessDate", "revision", "resources"} <= set(found)
        else None
    )


def _lay_out_one(store: Store, landing: Path, path: Path, descriptor: dict[str, Any]) -> bool:
    folder = landing / str(descriptor["branchCode"]) / str(descriptor["businessDate"]) / f"r{descriptor['revision']}"
    files = {str(one["path"]): store.path(str(one["hash"]).removeprefix("sha256:")) for one in descriptor["resources"]}
    is_safe = all(Path(name).name == name for name in files) and folder.resolve().is_relative_to(landing.resolve())
    if not is_safe or folder.exists() or not all(file.exists() for file in files.values()):
        return False
    partial = folder.with_name(f".{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name, file in [*files.items(), (DESCRIPTOR, path)]:
        try:
            os.link(file, partial / name)
        except OSError:
            shutil.copyfile(file, partial / name)
    partial.rename(folder)
    return True
