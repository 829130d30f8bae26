"""Create the secrets and folders that docker-compose.yml needs: `python3 docker/make_secrets.py`.

Needs nothing but Python. Writes `.compose/` (secrets and data, only for the user who runs it) and `.env`. What is there
already is kept: run it again after an upgrade and only what is missing is made.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("postgres", "landing", "warehouse")


def main(root: Path = ROOT) -> int:
    """Make what is missing; return the exit code."""
    folder = root / ".compose" / "secrets"
    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder.parent, folder):
        path.chmod(0o700)
    for name in FOLDERS:
        (folder.parent / name).mkdir(mode=0o700, exist_ok=True)
    password = keep(folder / "postgres_password", secrets.token_urlsafe(32))
    keep(folder / "warehouse_url", f"postgresql://warehouse:{password}@postgres:5432/warehouse")
    broker = keep(folder / "redis_password", secrets.token_urlsafe(32))
    keep(folder / "redis.conf", REDIS.format(password=broker))
    keep(folder / "broker_url", f"redis://:{broker}@redis:6379/0")
    keys = {name: (keep(folder / f"{name}_key", secrets.token_hex(10)),
                   keep(folder / f"{name}_secret", secrets.token_urlsafe(32))) for name in ("landing", "branches")}  # fmt: skip
    keep(folder / "landing.json", json.dumps(identities(keys)))
    keep(folder / "airflow.json", json.dumps(airflow()))
    owner = os.getuid() or 10001
    if os.getuid() == 0:
        # Containers do not run as root, so what they read and write must not be root's.
        for path in [folder.parent, *folder.parent.rglob("*")]:
            os.chown(path, owner, owner)
    keep(root / ".env", (root / ".env.example").read_text().replace("=10001", f"={owner}"))
    print(f"Secrets: {folder}. Next: docker compose up -d --build")
    return 0


REDIS = """\
# Tasks on their way; lost ones are queued again by the scheduler, so nothing is written to disk.
requirepass {password}
save ""
appendonly no
dir /tmp
maxmemory 200mb
maxmemory-policy noeviction
"""


def identities(keys: dict[str, tuple[str, str]]) -> dict[str, object]:
    """Who may do what in the landing: the warehouse reads; the account for branches writes."""
    may = {"landing": ["Read:landing", "List:landing"], "branches": ["Read:landing", "List:landing", "Write:landing"]}
    return {"identities": [
        {"name": name, "credentials": [{"accessKey": key, "secretKey": secret}], "actions": may[name]}
        for name, (key, secret) in keys.items()
    ]}  # fmt: skip


def airflow() -> dict[str, str]:
    """The secrets that all processes of Airflow share."""
    return {
        "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "api_secret_key": secrets.token_urlsafe(32),
        "jwt_secret": secrets.token_urlsafe(64),
        "password": secrets.token_urlsafe(16),
    }


def keep(path: Path, text: str) -> str:
    """Write a file for its owner only, unless it is there; return what it holds."""
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
    return path.read_text()


if __name__ == "__main__":
    sys.exit(main())
