"""Derive branches.csv, communes.csv and commune_successions.csv from the public lists.

Run again after updating `vietnamadminunits`, province_succession.csv or branch_renames.csv::

    python warehouse/reference/make_units.py

The same inputs give the same bytes. Sources: province_succession.csv (63 old provinces to 34), branch_renames.csv
(changes of name since) and the data folder of the PyPI package `vietnamadminunits`: dataset.db (both commune lists)
and converter_2025.json (which old commune went where).
"""

import csv
import json
import sqlite3
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).parent

# Hà Tây joined Hà Nội on this day; the 63 provinces stand unchanged from here to the merger of 2025.
START_OF_RECORD = "2008-08-01"
MERGER = "2025-07-01"

# Resolutions 252/2025/QH15 and 306/NQ-CP of 2025. An ended province has the region of the province that took it over,
# so that a series by region does not jump at the merger.
REGIONS = {
    "Northern Midlands and Mountains": ("04", "08", "11", "12", "14", "15", "19", "20", "25"),
    "Red River Delta": ("01", "22", "24", "31", "33", "37"),
    "North Central": ("38", "40", "42", "44", "46"),
    "South Central Coast and Central Highlands": ("48", "51", "52", "56", "66", "68"),
    "Southeast": ("75", "79", "80"),
    "Mekong Delta": ("82", "86", "91", "92", "96"),
}
REGION_OF = {code: region for region, codes in REGIONS.items() for code in codes}

PROVINCE_PREFIXES = ("Tỉnh ", "Thành phố ")
ENGLISH_NAMES = {"Thành phố Hồ Chí Minh": "Ho Chi Minh City"}


@dataclass(frozen=True)
class Branch:
    """One state of a provincial unit; key (branch_code, valid_from); valid_to is the last valid day, empty = open."""

    branch_code: str
    valid_from: str
    valid_to: str
    name_vi: str
    name_en: str
    region: str
    successor_code: str
    successor_valid_from: str


@dataclass(frozen=True)
class Commune:
    """One state of a commune; the branch is the one that held the commune on its first day."""

    commune_code: str
    valid_from: str
    valid_to: str
    name_vi: str
    name_en: str
    kind: str
    branch_code: str
    branch_valid_from: str
    district_name_vi: str


@dataclass(frozen=True)
class Succession:
    """An old commune and one of the new communes that hold its territory."""

    old_code: str
    old_valid_from: str
    new_code: str
    new_valid_from: str
    is_default: str
    is_split: str


def day_before(day: str) -> str:
    """The ISO date before an ISO date."""
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def remove_accents(text: str) -> str:
    """Vietnamese in plain ASCII letters: 'Đắk Lắk' becomes 'Dak Lak'."""
    decomposed = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def translate_province(name_vi: str) -> str:
    """English short name of a province: 'Tỉnh Cà Mau' becomes 'Ca Mau'."""
    if name_vi in ENGLISH_NAMES:
        return ENGLISH_NAMES[name_vi]
    for prefix in PROVINCE_PREFIXES:
        name_vi = name_vi.removeprefix(prefix)
    return remove_accents(name_vi)


def translate_commune(name_vi: str, kind: str) -> str:
    """English short name of a commune: 'Xã An Trạch' becomes 'An Trach', 'Phường 1' becomes 'Ward 1'."""
    name = name_vi.removeprefix(f"{kind} ")
    return f"Ward {name}" if name.isdigit() else remove_accents(name)


def read_csv(path: Path) -> list[dict[str, str]]:
    """All rows of a CSV file, values as text."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def make_branches(succession: list[dict[str, str]], renames: list[dict[str, str]]) -> list[Branch]:
    """Old provinces, those of the merger, and every rename since.

    A province with one predecessor of the same code and name is one row through the merger.
    """
    predecessors: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in succession:
        predecessors[row["new_code"]].append(row)
    branches: list[Branch] = []
    for code, olds in predecessors.items():
        region, name, merged_on = REGION_OF[code], olds[0]["new_name_vi"], olds[0]["valid_from"]
        is_unchanged = [(old["old_code"], old["old_name_vi"]) for old in olds] == [(code, name)]
        for old in olds:
            before = old["old_name_vi"]
            end, *successor = ("", "", "") if is_unchanged else (day_before(merged_on), code, merged_on)
            english = translate_province(before)
            branches.append(Branch(old["old_code"], START_OF_RECORD, end, before, english, region, *successor))
        if not is_unchanged:
            branches.append(Branch(code, merged_on, "", name, translate_province(name), region, "", ""))
    for rename in sorted(renames, key=lambda row: row["valid_from"]):
        branches = rename_branch(branches, rename)
    return sorted(branches, key=lambda branch: (branch.branch_code, branch.valid_from))


def rename_branch(branches: list[Branch], rename: dict[str, str]) -> list[Branch]:
    """End the open row of the renamed branch the day before and add its new state."""
    code, day = rename["branch_code"], rename["valid_from"]
    current = next(branch for branch in branches if branch.branch_code == code and not branch.valid_to)
    ended = replace(current, valid_to=day_before(day), successor_code=code, successor_valid_from=day)
    renamed = replace(current, valid_from=day, name_vi=rename["name_vi"], name_en=rename["name_en"])
    return [*(branch for branch in branches if branch != current), ended, renamed]


def find_branch_start(branches: list[Branch]) -> Callable[[str, str], str]:
    """A function (code, day) -> valid_from of the branch that has the code then; StopIteration where none has."""

    def start_of(code: str, day: str) -> str:
        states = (branch for branch in branches if branch.branch_code == code)
        return next(state.valid_from for state in states if state.valid_from <= day <= (state.valid_to or day))

    return start_of


def make_communes(database: sqlite3.Connection, branches: list[Branch]) -> list[Commune]:
    """Both commune lists. Five old island districts had no communes, hence no commune code: they have no row."""
    start_of = find_branch_start(branches)
    old = "select wardCode, ward, wardType, provinceCode, district from admin_units_legacy where wardCode is not null"
    new = "select wardCode, ward, wardType, provinceCode, '' from admin_units"
    communes = [
        Commune(code, first, last, name, english, kind.lower(), branch, start_of(branch, first), district)
        for first, last, query in ((START_OF_RECORD, day_before(MERGER), old), (MERGER, "", new))
        for code, name, kind, branch, district in database.execute(query)
        for english in [translate_commune(name, kind)]
    ]
    return sorted(communes, key=lambda commune: (commune.commune_code, commune.valid_from))


def make_successions(database: sqlite3.Connection, converter: dict[str, Any]) -> list[Succession]:
    """Every coded old commune with each of its successors, the default as the converter has it."""
    old_codes = {
        f"{province}_{district}_{ward}": code
        for province, district, ward, code in database.execute(
            "select provinceKey, districtKey, wardKey, wardCode from admin_units_legacy where wardCode is not null"
        )
    }
    new_codes = {
        (province, ward): code
        for province, ward, code in database.execute("select provinceKey, wardKey, wardCode from admin_units")
    }

    def link(old_key: str, province: str, ward: str, is_default: bool, is_split: bool) -> Succession:
        flags = (str(is_default).lower(), str(is_split).lower())
        return Succession(old_codes[old_key], START_OF_RECORD, new_codes[province, ward], MERGER, *flags)

    whole = [
        link(old_key, province, ward, is_default=True, is_split=False)
        for province, wards in converter["DICT_PROVINCE_WARD_NO_DIVIDED"].items()
        for ward, old_keys in wards.items()
        for old_key in old_keys
        if not old_key.endswith("_")  # an island district without communes
    ]
    split = [
        link(old_key, province, part["newWardKey"], is_default=part["isDefaultNewWard"], is_split=True)
        for province, olds in converter["DICT_PROVINCE_WARD_DIVIDED"].items()
        for old_key, parts in olds.items()
        for part in parts
    ]
    return sorted(whole + split, key=lambda succession: (succession.old_code, succession.new_code))


def write_csv(path: Path, rows: Sequence[Branch | Commune | Succession]) -> None:
    """Write rows of one kind with a header, UTF-8, LF."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(rows[0])], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def make_units(target: Path) -> None:
    """Write the three files into a folder."""
    # Found, not imported: importing the package loads a geocoder and its parsers.
    package = find_spec("vietnamadminunits")
    if package is None or package.origin is None:
        sys.exit("vietnamadminunits is not installed: install requirements.lock, then run again")
    data = Path(package.origin).parent / "data"
    succession, renames = (read_csv(REFERENCE / f"{name}.csv") for name in ("province_succession", "branch_renames"))
    branches = make_branches(succession, renames)
    converter = json.loads((data / "converter_2025.json").read_text(encoding="utf-8"))
    database = sqlite3.connect(f"file:{data / 'dataset.db'}?mode=ro", uri=True)
    try:
        write_csv(target / "branches.csv", branches)
        write_csv(target / "communes.csv", make_communes(database, branches))
        write_csv(target / "commune_successions.csv", make_successions(database, converter))
    finally:
        database.close()


if __name__ == "__main__":
    make_units(REFERENCE)
