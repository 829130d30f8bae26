"""The pieces that `benchmarks.night` measures: the limit, the plain stack, a corrected branch, the peak memory."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.measuring import Figure, measure_process
from contract.model import Dataset, load_datasets
from warehouse.connect import Warehouse, open_warehouse

SQL = Path(__file__).with_name("sql")


class PeakMemory:
    """The largest resident memory (MiB) that any Python process of the pipeline reached while the context was open."""

    def __init__(self) -> None:
        self.mib = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.2):
            for process in Path("/proc").glob("[0-9]*"):
                self.mib = max(self.mib, _peak_of(process))


def _peak_of(process: Path) -> float:
    """The high-water mark of a process in MiB; 0 for one that is not Python's, not ours or gone."""
    try:
        command = (process / "cmdline").read_bytes()
        if int(process.name) == os.getpid() or b"python" not in command or b"benchmarks" in command:
            return 0.0
        lines = (process / "status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return 0.0


def copy_and_group(landing: Path, date: str) -> tuple[Figure, Figure]:
    """`psql \\copy` of every file of a date into plain tables, then one GROUP BY a mart: the limit, in two figures."""
    warehouse = open_warehouse()
    lines = []
    for name, dataset in load_datasets().items():
        columns = ", ".join(f"{column.name} {column.sql_type}" for column in dataset.columns)
        lines += [f"drop table if exists plain_{name};", f"create table plain_{name} ({columns});"]
    for path in sorted(landing.glob(f"*/{date}/r1/*.csv.gz")):
        name = path.name.removesuffix(".csv.gz")
        header = ", ".join(_header(path))
        lines.append(f"\\copy plain_{name} ({header}) from program 'gzip -dc {path}' (format csv, header)")
    copied = _run_psql(warehouse, "\n".join(lines), landing.parent / "copy.sql")
    grouped = _run_psql(warehouse, (SQL / "marts.sql").read_text(), landing.parent / "group.sql")
    return copied, grouped


def _header(path: Path) -> list[str]:
    import gzip  # noqa: PLC0415

    with gzip.open(path, "rt", encoding="utf-8") as file:
        return file.readline().strip().split(",")


def _run_psql(warehouse: Warehouse, script: str, path: Path) -> Figure:
    path.write_text(script)
    command = [warehouse.program("psql"), "-q", "-X", "-v", "ON_ERROR_STOP=1", "-d", "bench", "-f", str(path)]
    with warehouse.connect("admin", autocommit=True) as connection:
        if connection.execute("select from pg_database where datname = 'bench'").fetchone() is None:
            connection.execute("create database bench")
    return measure_process(command, warehouse.libpq_environment("admin"))


def write_correction(landing: Path, branch: str, date: str, revision: int) -> None:
    """Deliver a branch's date again as this revision, which follows the one before: the same rows, with another remark on an office."""
    old, new = (landing / branch / date / f"r{number}" for number in (revision - 1, revision))
    new.mkdir()
    text = (old / "datapackage.json").read_bytes()
    descriptor = json.loads(text)
    for resource in descriptor["resources"]:
        os.link(old / resource["path"], new / resource["path"])
    descriptor.update(revision=revision, supersedes=hashlib.sha256(text).hexdigest())
    descriptor["offices"][0]["reason"] = f"corrected in revision {revision}"
    (new / "datapackage.json").write_text(json.dumps(descriptor))


def plain_to_sql(folder: str) -> None:
    """Load every file of a delivery the way a notebook would: pandas.read_csv, DataFrame.to_sql."""
    import pandas as pd  # noqa: PLC0415

    engine = _engine()
    for path in sorted(Path(folder).glob("*.csv.gz")):
        frame = pd.read_csv(path, dtype=str)
        for column in load_datasets()[path.name.removesuffix(".csv.gz")].columns:
            if column.sql_type in ("bigint", "numeric"):
                frame[column.name] = pd.to_numeric(frame[column.name])
        name = f"stack_{path.name.removesuffix('.csv.gz')}"
        frame.to_sql(name, engine, if_exists="replace", index=False, chunksize=10_000)


def plain_expectations() -> None:
    """Judge those tables by Great Expectations' own expectations: not null, one of the words, key unique; SUMMARY."""
    import great_expectations as gx  # noqa: PLC0415

    context = gx.get_context(mode="ephemeral")
    url = open_warehouse().url("admin").replace("postgresql://", "postgresql+psycopg2://")
    source = context.data_sources.add_postgres("stack", connection_string=url)
    for name, dataset in load_datasets().items():
        asset = source.add_table_asset(name, table_name=f"stack_{name}")
        batch = asset.add_batch_definition_whole_table("all").get_batch()
        batch.validate(gx.ExpectationSuite(name=name, expectations=_plain_suite(gx, dataset)), result_format="SUMMARY")


def _plain_suite(gx: Any, dataset: Dataset) -> list[Any]:
    expect = gx.expectations
    found = [expect.ExpectColumnValuesToNotBeNull(column=c.name) for c in dataset.columns if not c.nullable]
    found += [
        expect.ExpectColumnValuesToBeInSet(column=c.name, value_set=list(c.values)) for c in dataset.columns if c.values
    ]
    if len(dataset.key) == 1:
        return [*found, expect.ExpectColumnValuesToBeUnique(column=dataset.key[0])]
    return [*found, expect.ExpectCompoundColumnsToBeUnique(column_list=list(dataset.key))]


def _engine() -> Any:
    import sqlalchemy as sa  # noqa: PLC0415

    return sa.create_engine(open_warehouse().url("admin").replace("postgresql://", "postgresql+psycopg://"))
