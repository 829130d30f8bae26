"""A profile: the published figures of one province and the dates it delivers, as written down in YAML.

A figure is a printed value with its word, unit and step u (the unit step of the printed precision), and the
source that printed it. Words make ranges (domain.md): exact [v]; over [v, v + u); about v ± u / 2; nearly (v - u, v].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

from samples.errors import ProfileError

PROFILE_FOLDER = Path(__file__).parent / "profiles"

MONEY_UNITS = {"VND": Decimal(1), "m VND": Decimal(10) ** 6, "bn VND": Decimal(10) ** 9}
COUNT_UNITS = ("loans", "customers", "households", "cases", "students", "workers", "groups")
WORDS = ("exact", "over", "about", "nearly")

# What a figure measures: money in đồng, a percentage, or a count. Names follow the marts' columns where there is one.
MEASURES: dict[str, str] = {
    "outstanding": "money",
    "change_from_year_start": "money",
    "growth_from_year_start_pct": "percent",
    "loans": "count",
    "customers": "count",
    "avg_outstanding_per_customer": "money",
    "disbursed": "money",
    "collected": "money",
    "written_off": "money",
    "households_reached": "count",
    "overdue_ratio_pct": "percent",
    "frozen_ratio_pct": "percent",
    "overdue_frozen_ratio_pct": "percent",
    "capital_total": "money",
    "capital_central": "money",
    "capital_mobilised": "money",
    "capital_local": "money",
    "local_share_of_capital_pct": "percent",
    "local_share_of_outstanding_pct": "percent",
    "local_capital_to_outstanding_pct": "percent",
    "capital_needed": "money",
    "overdue_target_pct": "percent",
    "absconded_cases": "count",
    "workers_abroad_identified": "count",
    "workers_abroad_reached": "count",
    "workers_abroad_lent": "money",
    "stem_students_identified": "count",
    "groups": "count",
}


@dataclass(frozen=True)
class Figure:
    """One figure as printed. `value` and `step` are in `unit`; everything computed is in đồng, percent or pieces."""

    name: str
    value: Decimal
    word: str
    unit: str
    step: Decimal
    source: str

    @property
    def factor(self) -> Decimal:
        """Đồng, percent points or pieces in one unit."""
        return MONEY_UNITS.get(self.unit, Decimal(1))

    @property
    def bounds(self) -> tuple[Decimal, Decimal]:
        """The range that the word allows, in đồng, percent or pieces (the open end included)."""
        value, step = self.value * self.factor, self.step * self.factor
        ranges = {
            "exact": (value, value),
            "over": (value, value + step),
            "about": (value - step / 2, value + step / 2),
            "nearly": (value - step, value),
        }
        return ranges[self.word]

    @property
    def chosen(self) -> Decimal:
        """The value the sample takes: inside the range, near the printed one, so that a finer step agrees too."""
        value, step = self.value * self.factor, self.step * self.factor
        move = {"exact": Decimal(0), "over": Decimal("0.04"), "about": Decimal("0.01"), "nearly": Decimal("-0.04")}
        picked = value + move[self.word] * step
        return Decimal(int(picked)) if MEASURES[self.name] != "percent" else picked


@dataclass(frozen=True)
class Profile:
    """A province to be made: where, when, with which figures."""

    name: str
    title: str
    branch: str
    business_dates: tuple[date, ...]
    figures: Mapping[str, Figure]
    assumed: Mapping[str, Figure] = field(default_factory=dict)
    seed: int = 1
    scale: Decimal = Decimal(1)
    ethnic_shares: Mapping[str, float] = field(default_factory=lambda: {"01": 1.0})
    programme_weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.business_dates) < 2 or list(self.business_dates) != sorted(set(self.business_dates)):
            raise ProfileError(("business_dates",), "give at least two different dates, in rising order")

    @property
    def known(self) -> dict[str, Figure]:
        """Printed and assumed figures together."""
        return {**self.assumed, **self.figures}


def list_profiles() -> list[str]:
    """Return the names of the profiles that come with the generator."""
    return sorted(path.stem for path in PROFILE_FOLDER.glob("*.yaml"))


def load_profile(profile: str | Path) -> Profile:
    """Read a profile by name or by path. Raises ProfileError for anything that cannot be understood."""
    raw, name = _read_raw(profile)
    try:
        return Profile(
            name=name,
            title=str(raw["title"]),
            branch=_read_branch(raw["branch"]),
            business_dates=tuple(_read_date(day) for day in raw["business_dates"]),
            figures=_read_figures(raw["figures"]),
            assumed=_read_figures(raw.get("assumed") or {}, source_key="why"),
            seed=int(raw.get("seed", 1)),
            scale=Decimal(str(raw.get("scale", 1))),
            ethnic_shares={str(code): float(share) for code, share in (raw.get("ethnic_shares") or {"01": 1}).items()},
            programme_weights={str(c): float(w) for c, w in (raw.get("programme_weights") or {}).items()},
        )
    except KeyError as missing:
        raise ProfileError((str(missing.args[0]),), f"the profile {name} does not give it") from missing


def _read_raw(profile: str | Path) -> tuple[dict[str, Any], str]:
    path = Path(profile)
    if path.suffix not in {".yaml", ".yml"}:
        path = PROFILE_FOLDER / f"{profile}.yaml"
    if not path.is_file():
        raise ProfileError((str(profile),), f"no such profile; there are {', '.join(list_profiles())}")
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(raw, dict):
        raise ProfileError((path.name,), "a profile is a mapping of names to values")
    if "extends" in raw:
        base, _ = _read_raw(str(raw.pop("extends")))
        raw = {**base, **raw}
    return raw, path.stem


def _read_branch(value: object) -> str:
    if not isinstance(value, str):
        raise ProfileError(("branch",), 'write the code in quotes, as "04": leading zeros matter')
    return value


def _read_date(value: object) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _read_figures(raw: Mapping[str, Mapping[str, Any]], source_key: str = "source") -> dict[str, Figure]:
    return {name: _read_figure(name, entry, source_key) for name, entry in raw.items()}


def _read_figure(name: str, entry: Mapping[str, Any], source_key: str) -> Figure:
    if name not in MEASURES:
        raise ProfileError((name,), f"no such figure; known are {', '.join(MEASURES)}")
    for key in ("value", "word", "unit", "step", source_key):
        if key not in entry:
            raise ProfileError((name,), f"`{key}` is missing")
    try:
        value, step = Decimal(str(entry["value"])), Decimal(str(entry["step"]))
    except InvalidOperation as wrong:
        raise ProfileError((name,), "value and step are plain numbers") from wrong
    unit, word = str(entry["unit"]), str(entry["word"])
    fits = {"money": unit in MONEY_UNITS, "percent": unit == "%", "count": unit in COUNT_UNITS}
    if not fits[MEASURES[name]]:
        raise ProfileError((name,), f"unit {unit!r} does not fit a {MEASURES[name]} figure")
    if word not in WORDS:
        raise ProfileError((name,), f"word {word!r}; known are {', '.join(WORDS)}")
    if step <= 0:
        raise ProfileError((name,), "the step is the unit of the last printed digit and above 0")
    return Figure(name, value, word, unit, step, str(entry[source_key]))
