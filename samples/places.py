"""Real places: the official lists of communes before and from 2025-07-01, and which old commune became which new one.

Source: the PyPI package `vietnamadminunits` (MIT). A commune that was split goes to the list's default successor.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import vietnamadminunits
from vietnamadminunits.database import get_data

from samples.errors import ProfileError

MERGER_DAY = date(2025, 7, 1)

_FIELDS_OLD = [
    "provinceCode", "provinceKey", "provinceShort", "districtCode", "districtKey", "district", "districtShort",
    "wardCode", "wardKey", "ward",
]  # fmt: skip
_FIELDS_NEW = ["provinceCode", "provinceKey", "province", "provinceShort", "wardCode", "wardKey", "ward"]


@dataclass(frozen=True)
class Locality:
    """A commune of before July 2025 and what it became: the smallest place that no boundary change has cut."""

    old_province: str
    old_province_name: str
    district_code: str
    district_name: str
    old_code: str
    old_name: str
    new_province: str
    new_code: str
    new_name: str


@cache
def list_localities() -> tuple[Locality, ...]:
    """Return every old commune of the country with its successor, in the order of the official list."""
    successors = _read_successors()
    new_by_key = {(row["provinceKey"], row["wardKey"]): row for row in get_data(_FIELDS_NEW, "admin_units")}
    localities = []
    for row in get_data(_FIELDS_OLD, "admin_units_legacy"):
        if not row["wardCode"]:  # five island districts have no communes
            continue
        new = new_by_key[successors[f"{row['provinceKey']}_{row['districtKey']}_{row['wardKey']}"]]
        localities.append(
            Locality(
                old_province=row["provinceCode"],
                old_province_name=row["provinceShort"],
                district_code=row["districtCode"],
                district_name=row["district"],
                old_code=row["wardCode"],
                old_name=row["ward"],
                new_province=new["provinceCode"],
                new_code=new["wardCode"],
                new_name=new["ward"],
            )
        )
    return tuple(localities)


@cache
def list_bank_units() -> dict[str, str]:
    """Return the bank's own number of each former province: 4 digits, unrelated to the official codes."""
    return {
        code: f"00{20 + order:02d}" for order, code in enumerate(sorted({p.old_province for p in list_localities()}))
    }


def select_localities(branch: str, last_day: date) -> tuple[Locality, ...]:
    """Return the places of a branch as it stands on `last_day`. Raises ProfileError for an unknown code."""
    if last_day >= MERGER_DAY:
        chosen = tuple(place for place in list_localities() if place.new_province == branch)
    else:
        chosen = tuple(place for place in list_localities() if place.old_province == branch)
    if not chosen:
        raise ProfileError(("branch",), f"{branch} is no province code on {last_day.isoformat()}")
    return chosen


def list_branches_from_merger() -> list[str]:
    """Return the 34 province codes in force since 2025-07-01."""
    return sorted({place.new_province for place in list_localities()})


def _read_successors() -> dict[str, tuple[str, str]]:
    path = Path(vietnamadminunits.__file__).parent / "data" / "converter_2025.json"
    crosswalk: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    successors: dict[str, tuple[str, str]] = {}
    for province, wards in crosswalk["DICT_PROVINCE_WARD_NO_DIVIDED"].items():
        for ward, predecessors in wards.items():
            successors.update(dict.fromkeys(predecessors, (province, ward)))
    for province, split in crosswalk["DICT_PROVINCE_WARD_DIVIDED"].items():
        for old, parts in split.items():
            default = next(part for part in parts if part["isDefaultNewWard"])
            successors[old] = (province, default["newWardKey"])
    return successors
