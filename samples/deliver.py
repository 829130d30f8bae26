"""Write deliveries: gzipped CSV files with the sums that the contract asks for, the descriptor last."""

from __future__ import annotations

import hashlib
import io
import json
import zlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from samples import tables_loans, tables_registers, tables_static, targets
from samples.layout import LAYOUT, LAYOUTS, Layout
from samples.places import MERGER_DAY
from samples.tables_static import Columns
from samples.world import World

# Names and decision numbers may hold commas; the large files never do, and unquoted text reads much faster.
_QUOTED = {"offices", "transaction_points", "capital_transactions", "risk_decisions", "plan_targets"}
_GZIP_LEVEL = 1
_GZIP_WINDOW = 31  # zlib's way to ask for a gzip frame; its header carries no time, so bytes repeat


@dataclass(frozen=True)
class Delivery:
    """One branch and business date to be written."""

    branch: str
    day: date
    previous: date | None


def list_deliveries(world: World) -> list[Delivery]:
    """Return the deliveries of a sample, oldest first; before the merger one for each former province."""
    dates = world.profile.business_dates
    if dates[-1] < MERGER_DAY:
        former = [world.profile.branch]
    else:
        former = sorted({place.old_province for place in world.land.places})
    deliveries, previous = [], None
    for day in dates:
        branches = [world.profile.branch] if day >= MERGER_DAY else former
        deliveries += [Delivery(branch, day, previous) for branch in branches]
        previous = day
    return deliveries


def write_delivery(world: World, delivery: Delivery, out: Path, pool: ThreadPoolExecutor) -> Path:
    """Write one delivery as revision 1 and return its folder."""
    folder = out / delivery.branch / delivery.day.isoformat() / "r1"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "datapackage.json").unlink(missing_ok=True)
    written: dict[str, Future[dict[str, Any]]] = {}
    for layout, columns in _build_files(world, delivery):
        table = pa.table({name: columns[name] for name in layout.columns})
        written[layout.name] = pool.submit(_write_file, folder, layout, table)
    resources = [written[layout.name].result() for layout in LAYOUTS]
    descriptor = _describe(world, delivery, resources)
    text = json.dumps(descriptor, ensure_ascii=False, indent=2) + "\n"
    (folder / "datapackage.json").write_text(text, encoding="utf-8")
    return folder


def _build_files(world: World, delivery: Delivery) -> Iterator[tuple[Layout, Columns]]:
    """Build the large files first, so that they are compressed while the others are made."""
    day, previous = delivery.day, delivery.previous
    covered = world.covers(delivery.branch, day)
    yield LAYOUT["loan_book"], tables_loans.write_loan_book(world, day, covered)
    yield LAYOUT["customers"], tables_static.write_customers(world, day, covered)
    yield LAYOUT["loan_transactions"], tables_loans.write_transactions(world, previous, day, covered)
    yield LAYOUT["offices"], tables_static.write_offices(world, day, covered)
    yield LAYOUT["transaction_points"], tables_static.write_points(world, day, covered)
    yield LAYOUT["savings_groups"], tables_static.write_groups(world, day, covered)
    yield LAYOUT["capital_positions"], tables_registers.write_positions(world, day, covered)
    yield (
        LAYOUT["capital_transactions"],
        tables_registers.write_capital_transactions(world, previous, day, covered),
    )
    yield LAYOUT["deposits"], tables_registers.write_deposits(world, day, covered)
    yield LAYOUT["ledger_balances"], tables_loans.write_ledger(world, day, covered)
    yield LAYOUT["plan_targets"], targets.write_targets(world, delivery.branch, day, covered)
    yield LAYOUT["eligible_demand"], tables_registers.write_demand(world, day, covered)
    yield LAYOUT["absconded_cases"], tables_registers.write_absconded(world, day, covered)
    yield LAYOUT["risk_decisions"], tables_loans.write_risk_decisions(world, previous, day, covered)
    yield LAYOUT["inspections"], tables_registers.write_inspections(world, day, covered)


def _write_file(folder: Path, layout: Layout, table: pa.Table) -> dict[str, Any]:
    buffer = io.BytesIO()
    style = "needed" if layout.name in _QUOTED else "none"
    csv.write_csv(table, buffer, csv.WriteOptions(batch_size=65_536, quoting_style=style, quoting_header="none"))
    packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    packed = packer.compress(buffer.getbuffer()) + packer.flush()
    path = f"{layout.name}.csv.gz"
    (folder / path).write_bytes(packed)
    return {
        "name": layout.name,
        "path": path,
        "format": "csv",
        "encoding": "utf-8",
        "compression": "gz",
        "bytes": len(packed),
        "hash": f"sha256:{hashlib.sha256(packed).hexdigest()}",
        "rowCount": table.num_rows,
        "controlTotals": {name: pc.sum(table[name]).as_py() or 0 for name in layout.money},
        "keyChecksum": _sum_keys(layout, table),
    }


def _sum_keys(layout: Layout, table: pa.Table) -> int:
    """Return the sum of the CRC-32 of each row's key, its columns joined by `|`."""
    keys = [pc.cast(table[name], pa.string()) for name in layout.key]
    joined = pc.binary_join_element_wise(*keys, "|") if len(keys) > 1 else keys[0]
    return sum(map(zlib.crc32, pc.cast(joined, pa.binary()).to_pylist()))


def _describe(world: World, delivery: Delivery, resources: list[dict[str, Any]]) -> dict[str, Any]:
    covered = world.covers(delivery.branch, delivery.day)
    offices = [world.office_codes[number] for number in tables_static.find_offices(world, covered)]
    day = delivery.day.isoformat()
    return {
        "name": f"branch-{delivery.branch}-{day}-r1",
        "contractVersion": "1",
        "branchCode": delivery.branch,
        "businessDate": day,
        "revision": 1,
        "previousBusinessDate": delivery.previous.isoformat() if delivery.previous else None,
        "supersedes": None,
        "cobCompletedAt": f"{day}T22:30:00+07:00",
        "workingDay": True,
        "currencyUnit": "VND",
        "offices": [{"officeCode": code, "status": "delivered", "reason": None} for code in offices],
        "resources": resources,
    }
