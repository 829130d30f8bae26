"""Make the deliveries of a profile."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from samples.deliver import list_deliveries, write_delivery
from samples.profile import Profile, load_profile
from samples.world import build_world


def generate(
    profile: str | Path | Profile,
    out: Path,
    *,
    seed: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[Path]:
    """Write every delivery of `profile` under `out` and return their folders, oldest first.

    The same profile and seed give the same bytes. Raises ProfileError, naming the figures, where a profile cannot be
    met.
    """
    loaded = profile if isinstance(profile, Profile) else load_profile(profile)
    tell = progress or (lambda _: None)
    world = build_world(loaded, loaded.seed if seed is None else seed, tell)
    folders = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        for delivery in list_deliveries(world):
            folders.append(write_delivery(world, delivery, Path(out), pool))
            tell(f"{delivery.branch} {delivery.day.isoformat()} written")
    return folders
