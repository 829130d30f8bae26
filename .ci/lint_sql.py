"""Lint the SQL of the dbt project as dbt renders it, which needs a database: an empty warehouse in a temporary home."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from pipeline.transform import dbt_environment  # noqa: E402
from warehouse.connect import open_warehouse  # noqa: E402
from warehouse.server import EmbeddedServer  # noqa: E402


def main() -> int:
    """Return sqlfluff's exit code."""
    with tempfile.TemporaryDirectory() as home:
        os.environ.pop("WAREHOUSE_URL", None)
        os.environ["DBT_TARGET_PATH"] = f"{home}/target"
        warehouse = open_warehouse(Path(home))
        try:
            with dbt_environment(warehouse):
                command = [
                    sys.executable,
                    "-m",
                    "sqlfluff",
                    "lint",
                    "dbt_project/models",
                    "dbt_project/tests",
                    *sys.argv[1:],
                ]
                return subprocess.run(command, cwd=PROJECT, check=False).returncode
        finally:
            EmbeddedServer(Path(home)).destroy()


if __name__ == "__main__":
    raise SystemExit(main())
