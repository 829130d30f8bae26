"""Profiles: what words mean, what is derived, and which figures refuse each other."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

import samples
from samples.plan import make_plan
from samples.profile import Figure

BASE: dict[str, Any] = {
    "title": "a test",
    "branch": "58",
    "business_dates": ["2023-12-31", "2024-03-31"],
    "figures": {},
}


def money(value: float, word: str = "exact", step: float = 0.1) -> dict[str, Any]:
    return {"value": value, "word": word, "unit": "bn VND", "step": step, "source": "a test"}


def count(value: int, unit: str = "loans") -> dict[str, Any]:
    return {"value": value, "word": "exact", "unit": unit, "step": 1, "source": "a test"}


def percent(value: float, word: str = "exact", step: float = 0.01) -> dict[str, Any]:
    return {"value": value, "word": word, "unit": "%", "step": step, "source": "a test"}


def write(folder: Path, figures: dict[str, Any], **more: Any) -> Path:
    path = folder / "profile.yaml"
    path.write_text(yaml.safe_dump({**BASE, "figures": figures, **more}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("word", "low", "high"),
    [("exact", "7000", "7000"), ("over", "7000", "8000"), ("about", "6500", "7500"), ("nearly", "6000", "7000")],
)
def test_a_word_and_a_step_make_a_range_and_the_sample_stays_inside(word: str, low: str, high: str) -> None:
    figure = Figure("households_reached", Decimal(7000), word, "households", Decimal(1000), "a test")
    assert figure.bounds == (Decimal(low), Decimal(high))
    assert Decimal(low) <= figure.chosen <= Decimal(high)
    if word == "over":
        assert figure.chosen < Decimal(high)
    if word == "nearly":
        assert figure.chosen > Decimal(low)


def test_every_profile_that_comes_along_can_be_met() -> None:
    assert {"ninh-thuan-2024q1", "ca-mau-2025q3", "bac-lieu-ca-mau-2025"} <= set(samples.list_profiles())
    for name in samples.list_profiles():
        assert make_plan(samples.load_profile(name)).count("loans") > 0


def test_printed_figures_come_first_and_derived_ones_say_why() -> None:
    rows = samples.describe("ninh-thuan-2024q1")
    printed = [row["figure"] for row in rows if not row["derived"]]
    assert printed == [
        "outstanding", "change_from_year_start", "disbursed", "households_reached", "loans", "customers",
    ]  # fmt: skip
    assert [row["figure"] for row in rows][: len(printed)] == printed
    assert rows[0]["chosen"] == Decimal(3_619_100_000_000)
    derived = {row["figure"]: row["source"] for row in rows if row["derived"]}
    assert "overdue_ratio_pct" in derived
    assert all(derived.values())


@pytest.mark.parametrize(
    ("names", "figures"),
    [
        (("customers", "loans"), {"outstanding": money(40), "customers": count(900, "customers"), "loans": count(800)}),
        (
            ("outstanding", "avg_outstanding_per_customer", "customers"),
            {
                "outstanding": money(40),
                "customers": count(900, "customers"),
                "avg_outstanding_per_customer": money(0.036, "about", 0.001),
            },
        ),
        (
            ("overdue_ratio_pct", "frozen_ratio_pct"),
            {"outstanding": money(40), "overdue_ratio_pct": percent(60), "frozen_ratio_pct": percent(50)},
        ),
        (
            ("overdue_ratio_pct", "overdue_frozen_ratio_pct"),
            {"outstanding": money(40), "overdue_ratio_pct": percent(2), "overdue_frozen_ratio_pct": percent(1)},
        ),
        (
            ("overdue_frozen_ratio_pct", "overdue_ratio_pct", "frozen_ratio_pct"),
            {
                "outstanding": money(40),
                "overdue_ratio_pct": percent(1),
                "frozen_ratio_pct": percent(1),
                "overdue_frozen_ratio_pct": percent(3),
            },
        ),
        (("change_from_year_start", "outstanding"), {"outstanding": money(40), "change_from_year_start": money(41)}),
        (
            ("change_from_year_start", "disbursed", "collected"),
            {
                "outstanding": money(400),
                "change_from_year_start": money(10),
                "disbursed": money(30),
                "collected": money(25),
            },
        ),
        (
            ("change_from_year_start", "disbursed"),
            {"outstanding": money(400), "change_from_year_start": money(30), "disbursed": money(20)},
        ),
        (
            ("change_from_year_start", "growth_from_year_start_pct"),
            {
                "outstanding": money(400),
                "change_from_year_start": money(10),
                "growth_from_year_start_pct": percent(9),
            },
        ),
        (("outstanding", "capital_total"), {"outstanding": money(40), "capital_total": money(39)}),
        (
            ("capital_total", "capital_central", "capital_mobilised", "capital_local"),
            {
                "capital_total": money(50),
                "capital_central": money(30),
                "capital_mobilised": money(5),
                "capital_local": money(5),
            },
        ),
        (
            ("capital_local", "capital_total", "local_share_of_capital_pct"),
            {"capital_total": money(50), "capital_local": money(5), "local_share_of_capital_pct": percent(12)},
        ),
        (
            ("households_reached", "customers"),
            {
                "outstanding": money(40),
                "customers": count(1000, "customers"),
                "households_reached": count(1001, "households"),
            },
        ),
        (
            ("disbursed", "households_reached"),
            {"outstanding": money(400), "disbursed": money(30), "households_reached": count(3, "households")},
        ),
        (("outstanding", "loans"), {"outstanding": money(400), "loans": count(100)}),
        (
            ("workers_abroad_reached", "workers_abroad_identified"),
            {
                "outstanding": money(400),
                "workers_abroad_reached": count(20, "workers"),
                "workers_abroad_identified": count(10, "workers"),
            },
        ),
        (
            ("absconded_cases", "customers"),
            {
                "outstanding": money(40),
                "customers": count(1000, "customers"),
                "absconded_cases": count(900, "cases"),
            },
        ),
        (("overdue_ratio_pct",), {"outstanding": money(40), "overdue_ratio_pct": percent(101)}),
    ],
)
def test_figures_that_contradict_each_other_are_refused_by_name(
    tmp_path: Path, names: tuple[str, ...], figures: dict[str, Any]
) -> None:
    with pytest.raises(samples.ProfileError) as refused:
        samples.describe(write(tmp_path, figures))
    assert refused.value.figures == names
    assert all(name in str(refused.value) for name in names)


def test_a_change_since_new_year_needs_a_delivery_of_new_years_eve(tmp_path: Path) -> None:
    figures = {"outstanding": money(40), "change_from_year_start": money(1)}
    profile = write(tmp_path, figures, business_dates=["2024-01-31", "2024-03-31"])
    with pytest.raises(samples.ProfileError, match="2023-12-31") as refused:
        samples.describe(profile)
    assert refused.value.figures == ("change_from_year_start", "business_dates")


def test_stem_students_before_the_decision_are_refused_by_name(tmp_path: Path) -> None:
    figures = {"outstanding": money(40), "stem_students_identified": count(9, "students")}
    with pytest.raises(samples.ProfileError, match="2025-08-28") as refused:
        samples.describe(write(tmp_path, figures))
    assert refused.value.figures == ("stem_students_identified", "business_dates")


def test_amounts_that_no_cap_allows_are_refused_by_name(tmp_path: Path) -> None:
    figures = {"outstanding": money(90), "loans": count(1000), "customers": count(950, "customers")}
    with pytest.raises(samples.ProfileError) as refused:
        samples.generate(write(tmp_path, figures), tmp_path / "out")
    assert refused.value.figures == ("outstanding", "loans")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({**count(5), "word": "roughly"}, "word 'roughly'"),
        ({**count(5), "unit": "bn VND"}, "does not fit"),
        ({**count(5), "step": 0}, "above 0"),
        ({key: value for key, value in count(5).items() if key != "source"}, "`source` is missing"),
    ],
)
def test_a_figure_that_cannot_be_understood_is_refused(tmp_path: Path, entry: dict[str, Any], reason: str) -> None:
    with pytest.raises(samples.ProfileError, match=reason) as refused:
        samples.describe(write(tmp_path, {"outstanding": money(40), "loans": entry}))
    assert refused.value.figures == ("loans",)


def test_a_branch_code_without_quotes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(samples.ProfileError, match="leading zeros"):
        samples.describe(write(tmp_path, {"outstanding": money(40)}, branch=4))


def test_an_unknown_branch_is_refused(tmp_path: Path) -> None:
    with pytest.raises(samples.ProfileError, match="98 is no province code"):
        samples.generate(write(tmp_path, {"outstanding": money(40)}, branch="98"), tmp_path / "out")
