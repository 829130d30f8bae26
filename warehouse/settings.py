"""Where a warehouse lives: folders and the database address, read from the environment.

`WAREHOUSE_HOME` (default `.warehouse/`) is one warehouse; another value is another one. `WAREHOUSE_URL` points
everything at any other PostgreSQL 16+ instead of the embedded server.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """The folders (`home`, `landing` as a storage URL, `store`, `outbox`) and `url`, the administrator's address."""

    home: Path
    landing: str
    store: Path
    outbox: Path
    url: str | None


def read_settings() -> Settings:
    """Return the settings of this process; relative folders are taken from the project's root."""
    home = _folder(os.environ.get("WAREHOUSE_HOME") or ".warehouse")
    landing = os.environ.get("WAREHOUSE_LANDING") or str(home / "landing")
    return Settings(
        home=home,
        landing=landing if "://" in landing else str(_folder(landing)),
        store=_folder(os.environ.get("WAREHOUSE_STORE") or str(home / "store")),
        outbox=_folder(os.environ.get("WAREHOUSE_OUTBOX") or str(home / "outbox")),
        url=os.environ.get("WAREHOUSE_URL") or None,
    )


def _folder(value: str) -> Path:
    path = Path(value).expanduser()
    return path if path.is_absolute() else PROJECT / path
