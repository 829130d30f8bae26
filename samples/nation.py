"""The whole country for benchmarks: every branch since July 2025, consecutive nights, one process a core."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from samples.fit import allocate
from samples.generate import generate
from samples.places import list_branches_from_merger, list_localities
from samples.profile import Figure, Profile

LAST_NIGHT = date(2025, 9, 30)
_EACH = 40_000_000  # đồng a loan: some 400,000 bn on 10 m loans


def nation(
    out: Path,
    *,
    branches: int = 34,
    loans: int = 10_000_000,
    customers: int = 7_000_000,
    nights: int = 2,
    scale: float = 1.0,
    processes: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[Path]:
    """Write `nights` consecutive deliveries of the first `branches` provinces and return the folders, in order.

    `loans` and `customers` are of all these branches together, times `scale`; they are spread by the number of
    former communes. The first night has no previous date, so its events are empty.
    """
    profiles = make_profiles(branches, round(loans * scale), round(customers * scale), nights)
    workers = processes or min(os.cpu_count() or 1, len(profiles))
    folders: list[Path] = []
    if workers == 1:
        for profile in profiles:
            folders += generate(profile, Path(out), progress=progress)
        return sorted(folders)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=workers, mp_context=context) as pool:
        running = {pool.submit(generate, profile, Path(out)): profile.branch for profile in profiles}
        for done in as_completed(running):
            folders += done.result()
            if progress:
                progress(f"{running[done]} written")
    return sorted(folders)


def make_profiles(branches: int, loans: int, customers: int, nights: int) -> list[Profile]:
    """Return one profile a branch; the country's quality is that of its published averages (0.24 + 0.31 %)."""
    codes = list_branches_from_merger()[:branches]
    weights = [sum(place.new_province == code for place in list_localities()) for code in codes]
    dates = tuple(LAST_NIGHT - timedelta(days=back) for back in reversed(range(nights)))
    profiles = []
    parts = zip(codes, allocate(loans, weights), allocate(customers, weights), strict=True)
    for number, (code, loans_here, customers_here) in enumerate(parts):
        figures = (
            _figure("outstanding", int(loans_here) * _EACH, "VND"),
            _figure("loans", int(loans_here), "loans"),
            _figure("customers", int(customers_here), "customers"),
            _figure("overdue_ratio_pct", "0.24", "%"),
            _figure("frozen_ratio_pct", "0.31", "%"),
            _figure("local_share_of_capital_pct", "14.9", "%"),
        )
        profiles.append(
            Profile(
                name=f"nation-{code}",
                title=f"Branch {code} of a synthetic nation",
                branch=code,
                business_dates=dates,
                figures={},
                assumed={figure.name: figure for figure in figures},
                seed=1000 + number,
            )
        )
    return profiles


def _figure(name: str, value: int | str, unit: str) -> Figure:
    return Figure(name, Decimal(value), "exact", unit, Decimal("0.01"), "a national average, for benchmarks")
