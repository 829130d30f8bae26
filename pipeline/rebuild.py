"""A warehouse from nothing but the delivered bytes: the store laid out as a landing, to be taken in again (law 11).

Visible rows and marts come out the same. The ledger's history, quarters and decisions do not: these are in the backup.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ingestion.descriptor import Descriptor, RefusalError, parse_descriptor
from ingestion.landing import BRANCH, DESCRIPTOR
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


def _read_descriptor(path: Path) -> Descriptor | None:
    """Return the descriptor that `path` holds, None for any other file and where no folder could be named after it."""
    content = path.read_bytes()
    if not content.lstrip().startswith(b"{"):
        return None
    try:
        found = parse_descriptor(content)
    except RefusalError:
        return None
    return found if BRANCH.fullmatch(found.branch_code) else None


def _lay_out_one(store: Store, landing: Path, path: Path, descriptor: Descriptor) -> bool:
    folder = landing / descriptor.branch_code / descriptor.business_date.isoformat() / f"r{descriptor.revision}"
    files = {resource.path: store.path(resource.sha256) for resource in descriptor.resources}
    if folder.exists() or not all(file.exists() for file in files.values()):
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
