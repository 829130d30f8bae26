"""A warehouse from nothing but the delivered bytes: the store laid out as a landing, to be taken in again (law 11).

Visible rows and marts come out the same. The ledger's history, quarters and decisions do not: these are in the backup.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from pathlib import Path

from contract.errors import WarehouseError
from ingestion.descriptor import Descriptor, RefusalError, parse_descriptor
from ingestion.erase import as_kept
from ingestion.landing import BRANCH, DESCRIPTOR
from ingestion.store import Store

LARGEST_DESCRIPTOR = 8 << 20


def lay_out(store: Store, landing: Path) -> list[Path]:
    """Lay every delivery out of which the descriptor and all files are in the store; return landings, to be taken in in order.

    The first holds what was kept first under each number, the second what was kept next, and so on: a number that was not used
    up (held, refused) may have been sent again. Raises WarehouseError where something lies in `landing` already.
    """
    if landing.exists() and any(landing.iterdir()):
        raise WarehouseError(
            f"Something lies in {landing} already", remedy="Name a folder that is empty or not there yet."
        )
    laid: Counter[tuple[str, str, int]] = Counter()
    # A manifest that had to be written again has another hash, by which a later revision must name it.
    renamed: dict[str, str] = {}
    files = [path for path in store.root.glob("sha256/*/*") if path.stat().st_size <= LARGEST_DESCRIPTOR]
    for path in sorted(files, key=lambda file: (file.stat().st_mtime_ns, file.name)):
        descriptor = _read_descriptor(path)
        if descriptor is None:
            continue
        number = (descriptor.branch_code, descriptor.business_date.isoformat(), descriptor.revision)
        if _lay_out_one(store, landing / str(laid[number] + 1), path, descriptor, renamed):
            laid[number] += 1
    return [landing / str(turn) for turn in range(1, max(laid.values(), default=0) + 1)]


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


def _lay_out_one(store: Store, landing: Path, path: Path, descriptor: Descriptor, renamed: dict[str, str]) -> bool:
    folder = landing / descriptor.branch_code / descriptor.business_date.isoformat() / f"r{descriptor.revision}"
    files = {resource.path: store.path(resource.sha256) for resource in descriptor.resources}
    if not all(file.exists() for file in files.values()):
        return False
    folder.mkdir(parents=True)
    for name, file in files.items():
        try:
            os.link(file, folder / name)
        except OSError:
            shutil.copyfile(file, folder / name)
    # Where a person was erased since, files are not those that the branch declared.
    content = as_kept(store, path.read_bytes())
    if descriptor.supersedes and descriptor.supersedes in renamed:
        content = content.replace(descriptor.supersedes.encode(), renamed[descriptor.supersedes].encode())
    renamed[path.name] = hashlib.sha256(content).hexdigest()
    (folder / DESCRIPTOR).write_bytes(content)
    return True
