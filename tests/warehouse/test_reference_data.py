"""The checked-in reference data says what the spec and the published lists say."""

import csv
from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from warehouse.reference import make_units

REFERENCE = Path(make_units.__file__).parent
Row = dict[str, str]

KEYS = {
    "benchmarks": ("indicator", "scope", "as_of", "basis"),
    "branch_renames": ("branch_code", "valid_from"),
    "branches": ("branch_code", "valid_from"),
    "capital_sources": ("source_code",),
    "commune_successions": ("old_code", "old_valid_from", "new_code", "new_valid_from"),
    "communes": ("commune_code", "valid_from"),
    "organisations": ("organisation_code",),
    "programme_parameters": ("programme_code", "source_scope", "valid_from"),
    "programmes": ("programme_code",),
    "province_succession": ("old_code",),
}

# Domain notes: the programme codes in use, and those that only collect.
LENDING = {"1", "2", "3", "4", "6", "7", "9", "10", "12", "15", "19", "25", "26", "27", "99"}
COLLECTING_ONLY = {"17", "21"}

# Extract contract, section 1: codes that name another province before and after the merger.
REUSED_CODES = {
    "15": ("Yen Bai", "Lao Cai"),
    "24": ("Bac Giang", "Bac Ninh"),
    "44": ("Quang Binh", "Quang Tri"),
    "52": ("Binh Dinh", "Gia Lai"),
    "80": ("Long An", "Tay Ninh"),
    "82": ("Tien Giang", "Dong Thap"),
    "91": ("Kien Giang", "An Giang"),
}


def read(name: str) -> list[Row]:
    with (REFERENCE / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def valid_on(rows: list[Row], day: str) -> list[Row]:
    return [row for row in rows if row["valid_from"] <= day <= (row["valid_to"] or "9999-12-31")]


def parameter(programme: str, scope: str, disbursed_on: str) -> Row:
    rows = [
        row
        for row in valid_on(read("programme_parameters"), disbursed_on)
        if row["programme_code"] == programme and row["source_scope"] in (scope, "any")
    ]
    assert len(rows) == 1, (programme, scope, disbursed_on)
    return rows[0]


@pytest.mark.parametrize("name", KEYS)
def test_reference_file_is_utf8_with_lf_and_unique_keys(name: str) -> None:
    content = (REFERENCE / f"{name}.csv").read_bytes()
    assert b"\r" not in content
    assert content.endswith(b"\n")
    assert all(line.isprintable() for line in content.decode("utf-8").split("\n"))
    keys = [tuple(row[column] for column in KEYS[name]) for row in read(name)]
    assert [key for key, times in Counter(keys).items() if times > 1] == []


@pytest.mark.parametrize("name", sorted(set(KEYS) - {"capital_sources", "province_succession"}))
def test_reference_file_is_sorted_by_its_key(name: str) -> None:
    columns = KEYS[name]
    values = [[row[column] for column in columns] for row in read(name)]
    keys = [tuple(int(value) if value.isdecimal() else value for value in row) for row in values]
    assert keys == sorted(keys)


@pytest.mark.parametrize("name", ["branches", "communes", "commune_successions"])
def test_checked_in_units_are_what_the_script_makes(name: str, tmp_path: Path) -> None:
    make_units.make_units(tmp_path)
    assert (REFERENCE / f"{name}.csv").read_bytes() == (tmp_path / f"{name}.csv").read_bytes()


@pytest.mark.parametrize("name", ["branches", "communes"])
def test_states_of_one_code_follow_each_other_without_overlap(name: str) -> None:
    by_code: dict[str, list[Row]] = defaultdict(list)
    for row in read(name):
        by_code[row[KEYS[name][0]]].append(row)
        assert not row["valid_to"] or row["valid_from"] <= row["valid_to"], row
    for states in by_code.values():
        for earlier, later in pairwise(states):
            assert earlier["valid_to"], earlier
            assert earlier["valid_to"] < later["valid_from"], (earlier, later)


def test_63_units_stand_until_the_merger_and_34_from_it() -> None:
    branches = read("branches")
    assert len(valid_on(branches, "2008-08-01")) == 63
    assert len(valid_on(branches, "2025-06-30")) == 63
    assert len(valid_on(branches, "2025-07-01")) == 34
    assert len([row for row in branches if not row["valid_to"]]) == 34


def test_every_ended_unit_has_a_successor_that_begins_the_day_after() -> None:
    branches = read("branches")
    keys = {(row["branch_code"], row["valid_from"]) for row in branches}
    for row in branches:
        successor = (row["successor_code"], row["successor_valid_from"])
        if not row["valid_to"]:
            assert successor == ("", ""), row
            continue
        assert successor in keys, row
        day_after = date.fromisoformat(row["valid_to"]) + timedelta(days=1)
        assert row["successor_valid_from"] == day_after.isoformat(), row


def test_units_succeed_each_other_as_the_published_list_says() -> None:
    branches = {(row["branch_code"], row["valid_from"]): row for row in read("branches")}
    for published in read("province_succession"):
        old = branches[published["old_code"], "2008-08-01"]
        assert old["name_vi"] == published["old_name_vi"]
        successor = branches[old["successor_code"], old["successor_valid_from"]] if old["valid_to"] else old
        assert (successor["branch_code"], successor["name_vi"]) == (published["new_code"], published["new_name_vi"])


def test_a_province_that_did_not_change_is_one_row_and_a_merged_one_is_two() -> None:
    states = Counter(row["branch_code"] for row in read("branches"))
    unchanged = {"01", "04", "11", "12", "14", "20", "22", "38", "40", "42", "46"}
    assert {code: states[code] for code in unchanged} == dict.fromkeys(unchanged, 1)
    ca_mau = [row for row in read("branches") if row["branch_code"] == "96"]
    assert [(row["valid_from"], row["valid_to"], row["successor_valid_from"]) for row in ca_mau] == [
        ("2008-08-01", "2025-06-30", "2025-07-01"),
        ("2025-07-01", "", ""),
    ]


@pytest.mark.parametrize("code", REUSED_CODES)
def test_a_reused_code_names_another_province_after_the_merger(code: str) -> None:
    branches = [row for row in read("branches") if row["branch_code"] == code]
    names = tuple(valid_on(branches, day)[0]["name_en"] for day in ("2025-06-30", "2025-07-01"))
    assert names == REUSED_CODES[code]


def test_no_other_code_changes_its_province() -> None:
    names: dict[str, set[str]] = defaultdict(set)
    for row in read("branches"):
        if row["valid_from"] <= "2025-07-01":
            names[row["branch_code"]].add(row["name_en"])
    assert {code for code, given in names.items() if len(given) > 1} == set(REUSED_CODES)


def test_dong_nai_became_a_city_on_30_april_2026() -> None:
    dong_nai = [row for row in read("branches") if row["branch_code"] == "75"]
    assert [row["name_vi"] for row in valid_on(dong_nai, "2026-04-29")] == ["Tỉnh Đồng Nai"]
    assert [row["name_vi"] for row in valid_on(dong_nai, "2026-04-30")] == ["Thành phố Đồng Nai"]


def test_the_34_units_lie_in_six_regions() -> None:
    regions = Counter(row["region"] for row in read("branches") if not row["valid_to"])
    assert regions == {
        "Northern Midlands and Mountains": 9,
        "Red River Delta": 6,
        "North Central": 5,
        "South Central Coast and Central Highlands": 6,
        "Southeast": 3,
        "Mekong Delta": 5,
    }
    assert {row["region"] for row in read("branches")} == set(regions)


def test_3321_communes_stand_since_the_merger_as_published_by_province() -> None:
    communes = valid_on(read("communes"), "2025-07-01")
    assert len(communes) == 3_321
    published = {row["new_code"]: int(row["new_communes_total"]) for row in read("province_succession")}
    assert Counter(row["branch_code"] for row in communes) == published


def test_old_communes_are_the_published_ones_without_five_island_districts() -> None:
    counted = Counter(row["branch_code"] for row in valid_on(read("communes"), "2025-06-30"))
    published = {row["old_code"]: int(row["old_communes_in_crosswalk"]) for row in read("province_succession")}
    assert sum(published.values()) == 10_040
    without_communes = {code: number - counted[code] for code, number in published.items() if number != counted[code]}
    assert without_communes == {"31": 1, "45": 1, "48": 1, "51": 1, "77": 1}


def test_every_commune_belongs_to_a_branch_of_its_first_day() -> None:
    branches = {(row["branch_code"], row["valid_from"]): row for row in read("branches")}
    for row in read("communes"):
        branch = branches[row["branch_code"], row["branch_valid_from"]]
        assert valid_on([branch], row["valid_from"]), row


def test_a_commune_code_has_five_digits_and_a_kind() -> None:
    kinds = {"phường", "xã", "thị trấn", "đặc khu"}
    wrong = [
        row
        for row in read("communes")
        if len(row["commune_code"]) != 5 or not row["commune_code"].isdecimal() or row["kind"] not in kinds
    ]
    assert wrong == []


def test_nearly_all_new_communes_reuse_an_old_code() -> None:
    communes = read("communes")
    old_codes = {row["commune_code"] for row in communes if row["valid_to"]}
    new_codes = {row["commune_code"] for row in communes if not row["valid_to"]}
    assert len(new_codes - old_codes) <= 10


def test_every_old_commune_has_exactly_one_default_successor() -> None:
    defaults = Counter(
        (row["old_code"], row["old_valid_from"]) for row in read("commune_successions") if row["is_default"] == "true"
    )
    old = {(row["commune_code"], row["valid_from"]) for row in read("communes") if row["valid_to"]}
    assert set(defaults) == old
    assert set(defaults.values()) == {1}


def test_successors_of_a_commune_exist_and_lie_in_the_successor_province() -> None:
    communes = {(row["commune_code"], row["valid_from"]): row for row in read("communes")}
    province_after = {row["old_code"]: row["new_code"] for row in read("province_succession")}
    for row in read("commune_successions"):
        old = communes[row["old_code"], row["old_valid_from"]]
        new = communes[row["new_code"], row["new_valid_from"]]
        assert old["valid_to"] < new["valid_from"], row
        assert new["branch_code"] == province_after[old["branch_code"]], row


def test_some_470_communes_were_split_and_only_those_have_several_successors() -> None:
    successions = read("commune_successions")
    successors = Counter(row["old_code"] for row in successions)
    split = {row["old_code"] for row in successions if row["is_split"] == "true"}
    assert split == {code for code, number in successors.items() if number > 1}
    assert 465 <= len(split) <= 475


def test_programmes_are_the_codes_in_use() -> None:
    status = {row["programme_code"]: row["status"] for row in read("programmes")}
    assert status == {**dict.fromkeys(LENDING, "lending"), **dict.fromkeys(COLLECTING_ONLY, "collecting_only")}


@pytest.mark.parametrize(
    ("programme", "disbursed_on", "rate", "cap_vnd", "term_months"),
    [
        ("1", "2010-01-15", "6.6", "100000000", ""),
        ("1", "2025-09-30", "6.6", "100000000", ""),
        ("19", "2025-09-30", "7.92", "100000000", ""),
        ("9", "2025-09-30", "8.25", "100000000", ""),
        ("2", "2025-09-30", "6.6", "", ""),
        ("27", "2025-08-28", "4.8", "", ""),
        ("3", "2025-12-31", "", "100000000", "120"),
        ("3", "2026-01-01", "8.382", "200000000", "120"),
        ("4", "2025-09-30", "6.6", "", ""),
        ("6", "2025-09-30", "9", "25000000", "60"),
        ("10", "2025-09-30", "9", "100000000", ""),
        ("12", "2025-10-09", "", "", "300"),
        ("12", "2025-10-10", "5.4", "", "300"),
        ("25", "2025-09-30", "3", "77500000", "180"),
        ("26", "2025-09-30", "6.6", "100000000", "120"),
    ],
)
def test_parameters_of_central_money_are_those_of_the_day_of_disbursement(
    programme: str, disbursed_on: str, rate: str, cap_vnd: str, term_months: str
) -> None:
    row = parameter(programme, "TW", disbursed_on)
    assert (row["rate_pct_min"], row["rate_pct_max"]) == (rate, rate)
    assert (row["cap_vnd"], row["term_months_max"]) == (cap_vnd, term_months)


def test_stem_loans_have_no_parameters_before_their_decision() -> None:
    stem = [row for row in read("programme_parameters") if row["programme_code"] == "27"]
    assert valid_on(stem, "2025-08-27") == []


@pytest.mark.parametrize("programme", sorted((LENDING | COLLECTING_ONLY) - {"27"}))
@pytest.mark.parametrize("disbursed_on", ["2008-08-01", "2024-03-31", "2025-12-31", "2026-01-01"])
def test_each_programme_has_one_parameter_row_a_source_and_day_and_no_rate_for_local_money(
    programme: str, disbursed_on: str
) -> None:
    central, local = (parameter(programme, scope, disbursed_on) for scope in ("TW", "DP"))
    assert central["overdue_rate_factor"] == local["overdue_rate_factor"] == "1.3"
    assert (local["rate_pct_min"], local["rate_pct_max"]) == ("", "")


def test_capital_tree_has_one_root_and_the_contract_s_eight_sources_as_leaves() -> None:
    sources = {row["source_code"]: row for row in read("capital_sources")}
    assert [code for code, row in sources.items() if not row["parent_code"]] == ["TOTAL"]
    parents = {row["parent_code"] for row in sources.values() if row["parent_code"]}
    assert parents == {"TOTAL", "TW", "MOB", "DP"}
    leaves = {
        *("TW_BALANCED", "MOB_ORG", "MOB_IND", "MOB_SAVINGS"),
        *("DP_PROVINCE", "DP_DISTRICT", "DP_COMMUNE", "DP_OTHER"),
    }
    assert set(sources) - parents == leaves
    assert {code for code, row in sources.items() if row["is_leaf"] == "true"} == leaves


def test_tiers_of_the_capital_leaves_are_central_mobilised_and_local() -> None:
    tiers = {row["source_code"]: row["tier"] for row in read("capital_sources")}
    assert (tiers["TOTAL"], tiers["TW"], tiers["TW_BALANCED"]) == ("", "", "central")
    assert {tier for code, tier in tiers.items() if code.startswith("MOB")} == {"mobilised"}
    assert {tier for code, tier in tiers.items() if code.startswith("DP")} == {"local"}


def test_district_money_is_closed_with_the_districts() -> None:
    closed = {row["source_code"]: row["valid_to"] for row in read("capital_sources") if row["valid_to"]}
    assert closed == {"DP_DISTRICT": "2025-06-30"}


def test_organisations_are_the_four_unions_and_none() -> None:
    assert [row["organisation_code"] for row in read("organisations")] == ["CCB", "ND", "NONE", "PN", "TN"]


def test_benchmarks_are_of_a_credible_magnitude() -> None:
    for row in read("benchmarks"):
        value = Decimal(row["value"])
        if row["unit"] == "pct":
            assert row["indicator"].endswith("_pct"), row
            assert 0 <= value <= 100, row
        else:
            assert (row["unit"], row["indicator"].endswith("_vnd")) == ("vnd", True), row
            assert Decimal(10) ** 12 <= value <= Decimal(10) ** 15, row
            assert value == value.to_integral_value(), row


def test_a_benchmark_s_basis_is_one_of_four_and_fits_its_indicator() -> None:
    basis_of = {(row["indicator"], row["basis"]) for row in read("benchmarks")}
    assert basis_of == {
        ("overdue_ratio_pct", "overdue"),
        ("overdue_frozen_ratio_pct", "overdue_frozen"),
        ("local_share_of_capital_pct", "capital"),
        ("local_capital_vnd", "capital"),
        ("capital_total_vnd", "capital"),
        ("outstanding_vnd", "outstanding"),
    }


def test_benchmarks_name_their_source_and_keep_the_printed_figure() -> None:
    benchmarks = {(row["indicator"], row["as_of"]): row for row in read("benchmarks")}
    assert all(row["source"].startswith("http") for row in benchmarks.values())
    assert benchmarks["overdue_ratio_pct", "2023-12-31"]["value"] == "0.16"
    assert benchmarks["overdue_frozen_ratio_pct", "2025-09-30"]["value"] == "0.55"
    assert benchmarks["capital_total_vnd", "2025-05-31"]["value"] == "410857000000000"
    printed = benchmarks["local_share_of_capital_pct", "2025-05-31"]
    assert printed["value"] == "14.7"
    assert "14.95" in printed["note"]


def test_a_printed_share_that_contradicts_its_amounts_says_so() -> None:
    benchmarks = {(row["indicator"], row["as_of"]): row for row in read("benchmarks")}
    for (indicator, as_of), share in benchmarks.items():
        local, total = (benchmarks.get((name, as_of)) for name in ("local_capital_vnd", "capital_total_vnd"))
        if indicator != "local_share_of_capital_pct" or local is None or total is None:
            continue
        computed = Decimal(local["value"]) / Decimal(total["value"]) * 100
        if abs(computed - Decimal(share["value"])) > Decimal("0.05"):
            assert f"{computed:.2f}" in share["note"], share
