"""From printed figures to a complete plan: what is not printed is derived here, and said to be.

The rules of thumb are the generator's own and stand beside each derived figure in `describe`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from samples.contradictions import STEM_BEGINS, require_no_contradiction
from samples.errors import ProfileError
from samples.profile import MEASURES, Profile, load_profile

HUNDRED = Decimal(100)


@dataclass(frozen=True)
class Plan:
    """Every figure of the sample in đồng, percent or pieces, after scaling; `reasons` names the derived ones."""

    values: Mapping[str, Decimal]
    reasons: Mapping[str, str]

    def money(self, name: str) -> int:
        """Return a figure in whole đồng."""
        return int(self.values[name])

    def count(self, name: str) -> int:
        """Return a figure in whole pieces."""
        return int(self.values[name])


class _Draft:
    """Figures gathered so far; `derive` fills one in unless the profile already says it."""

    def __init__(self, profile: Profile) -> None:
        self.values: dict[str, Decimal] = {name: figure.chosen for name, figure in profile.known.items()}
        self.reasons: dict[str, str] = {name: figure.source for name, figure in profile.assumed.items()}

    def has(self, *names: str) -> bool:
        return all(name in self.values for name in names)

    def __getitem__(self, name: str) -> Decimal:
        return self.values[name]

    def derive(self, name: str, value: Decimal, reason: str) -> None:
        if name not in self.values:
            self.values[name] = value if MEASURES[name] == "percent" else Decimal(int(value))
            self.reasons[name] = reason


def make_plan(profile: Profile) -> Plan:
    """Complete a profile. Raises ProfileError naming the figures that stand against each other."""
    require_no_contradiction(profile)
    draft = _Draft(profile)
    days = (profile.business_dates[-1] - profile.business_dates[0]).days
    _derive_size(draft)
    _derive_flows(draft, Decimal(days) / Decimal("30.4"))
    _derive_quality(draft)
    _derive_capital(draft)
    _derive_registers(draft, profile.business_dates[-1])
    _require_ranges(profile, draft)
    values = {name: _scale(name, value, profile.scale) for name, value in draft.values.items()}
    # Scaled parts are whole đồng again, and still make their wholes.
    values["collected"] = values["disbursed"] - values["change_from_year_start"] - values["written_off"]
    values["capital_central"] = values["capital_total"] - values["capital_local"] - values["capital_mobilised"]
    return Plan(values, draft.reasons)


def describe(profile: str | Path | Profile) -> list[dict[str, Any]]:
    """Return every figure of a profile: printed ones with their word, then the derived ones with the reason.

    Keys: figure, value, word, unit, step, source, derived, chosen (đồng, percent or pieces that the sample takes).
    """
    loaded = profile if isinstance(profile, Profile) else load_profile(profile)
    plan = make_plan(loaded)
    rows: list[dict[str, Any]] = [
        {
            "figure": name,
            "value": figure.value,
            "word": figure.word,
            "unit": figure.unit,
            "step": figure.step,
            "source": figure.source,
            "derived": False,
            "chosen": plan.values[name],
        }
        for name, figure in loaded.figures.items()
    ]
    units = {"money": "VND", "percent": "%", "count": "pieces"}
    for name, reason in plan.reasons.items():
        value, unit = plan.values[name], units[MEASURES[name]]
        rows.append(
            {"figure": name, "value": value, "word": "derived", "unit": unit, "step": None, "source": reason,
             "derived": True, "chosen": value}
        )  # fmt: skip
    return rows


def _derive_size(draft: _Draft) -> None:
    if draft.has("customers", "avg_outstanding_per_customer"):
        size = draft["customers"] * draft["avg_outstanding_per_customer"]
        draft.derive("outstanding", size, "customers x the average")
    if draft.has("capital_total"):
        draft.derive("outstanding", draft["capital_total"] * Decimal("0.996"), "99.6 % of the capital is lent")
    if not draft.has("outstanding"):
        raise ProfileError(("outstanding",), "give it, or the capital, or the customers and their average")
    if draft.has("avg_outstanding_per_customer"):
        people = draft["outstanding"] / draft["avg_outstanding_per_customer"]
        draft.derive("customers", people, "outstanding / the average")
    if draft.has("loans"):
        draft.derive("customers", draft["loans"] / Decimal("1.3"), "1.3 loans a customer")
    draft.derive("customers", draft["outstanding"] / 42_000_000, "42 m VND a customer")
    draft.derive("loans", draft["customers"] * Decimal("1.3"), "1.3 loans a customer")
    draft.derive("avg_outstanding_per_customer", draft["outstanding"] / draft["customers"], "outstanding / customers")
    draft.derive("groups", max(Decimal(1), draft["customers"] / 41), "41 members a group, the national average")


def _derive_flows(draft: _Draft, months: Decimal) -> None:
    """Change, turnover and collection between the first and the last business date."""
    size = draft["outstanding"]
    if draft.has("growth_from_year_start_pct"):
        growth = draft["growth_from_year_start_pct"]
        draft.derive("change_from_year_start", size * growth / (HUNDRED + growth), "the printed growth")
    if draft.has("change_from_year_start", "disbursed", "collected"):
        gap = draft["disbursed"] - draft["collected"] - draft["change_from_year_start"]
        draft.derive("written_off", max(Decimal(0), gap), "turnover - collection - change")
    draft.derive("written_off", size * months / 100_000, "0.001 % of the balance a month")
    if draft.has("disbursed", "collected"):
        change = draft["disbursed"] - draft["collected"] - draft["written_off"]
        draft.derive("change_from_year_start", change, "turnover - collection - write-offs")
    change_reason = "0.55 % of the balance a month (between the first and the last date)"
    draft.derive("change_from_year_start", size * months * Decimal("0.0055"), change_reason)
    change, lost = draft["change_from_year_start"], draft["written_off"]
    if draft.has("disbursed"):
        draft.derive("collected", draft["disbursed"] - change - lost, "turnover - change - write-offs")
    paid_back = max(size * months * Decimal("0.0205"), min(size / 10, Decimal(46_000_000)))
    draft.derive("collected", paid_back, "2.05 % of the balance a month, at least one loan")
    draft.derive("disbursed", draft["collected"] + change + lost, "collection + change + write-offs")
    households = max(draft["disbursed"] / 46_000_000, min(draft["disbursed"] / 1_000_000, Decimal(1)))
    draft.derive("households_reached", households, "46 m VND a household")
    if draft["written_off"] > draft["collected"] and draft["written_off"] > 0:
        raise ProfileError(("written_off", "collected"), "more would be written off than collected")
    # The exact books need turnover = collection + write-offs + change; a printed triple keeps its ranges within u.
    draft.values["collected"] = draft["disbursed"] - change - lost
    if draft["collected"] < 0:
        raise ProfileError(("change_from_year_start", "disbursed"), "the balance grew by more than was lent")


def _derive_quality(draft: _Draft) -> None:
    both = draft.values.get("overdue_frozen_ratio_pct")
    if both is not None:
        rest = both - draft.values.get("overdue_ratio_pct", both * Decimal("0.45"))
        draft.derive("frozen_ratio_pct", max(Decimal(0), rest), "overdue and frozen - overdue")
        draft.derive("overdue_ratio_pct", max(Decimal(0), both - draft["frozen_ratio_pct"]), "the rest of both")
    draft.derive("overdue_ratio_pct", Decimal("0.28"), "a usual share")
    draft.derive("frozen_ratio_pct", min(Decimal("0.35"), HUNDRED - draft["overdue_ratio_pct"]), "a usual share")
    draft.derive("overdue_frozen_ratio_pct", draft["overdue_ratio_pct"] + draft["frozen_ratio_pct"], "overdue + frozen")


def _derive_capital(draft: _Draft) -> None:
    tiers = ("capital_central", "capital_mobilised", "capital_local")
    if draft.has(*tiers):
        draft.derive("capital_total", sum((draft[tier] for tier in tiers), Decimal(0)), "the sum of the three tiers")
    if draft.has("capital_local", "local_share_of_capital_pct") and draft["local_share_of_capital_pct"]:
        whole = draft["capital_local"] * HUNDRED / draft["local_share_of_capital_pct"]
        draft.derive("capital_total", whole, "local capital / its share")
    draft.derive("capital_total", draft["outstanding"] * Decimal("1.004"), "0.4 % of the balance is not lent")
    total = draft["capital_total"]
    if draft.has("local_share_of_capital_pct"):
        local = total * draft["local_share_of_capital_pct"] / HUNDRED
        draft.derive("capital_local", local, "its share of the capital")
    if draft.has("local_capital_to_outstanding_pct"):
        local = draft["outstanding"] * draft["local_capital_to_outstanding_pct"] / HUNDRED
        draft.derive("capital_local", local, "its share of the outstanding balance")
    if draft.has("capital_central", "capital_mobilised"):
        rest = total - draft["capital_central"] - draft["capital_mobilised"]
        draft.derive("capital_local", rest, "the total - central - mobilised")
    draft.derive("capital_local", total * Decimal("0.08"), "8 % of the capital")
    left = total - draft["capital_local"] - draft.values.get("capital_central", Decimal(0))
    mobilised = left if draft.has("capital_central") else total * Decimal("0.13")
    draft.derive("capital_mobilised", mobilised, "the rest, or 13 % of the capital")
    draft.derive("capital_central", total - draft["capital_local"] - draft["capital_mobilised"], "the rest")
    # Three printed tiers and a printed total may differ by their steps; the central balance takes the difference.
    draft.values["capital_central"] = total - draft["capital_local"] - draft["capital_mobilised"]
    if draft["capital_central"] < 0 or draft["capital_mobilised"] < 0 or draft["capital_local"] < 0:
        raise ProfileError(("capital_total", "capital_local"), "a tier of the capital would be below 0")
    draft.derive("local_share_of_capital_pct", draft["capital_local"] * HUNDRED / total, "local capital / capital")
    lent = draft["capital_local"] * Decimal("0.985") * HUNDRED / draft["outstanding"]
    draft.derive("local_share_of_outstanding_pct", min(lent, HUNDRED), "98.5 % of the local capital is lent")
    ratio = draft["capital_local"] * HUNDRED / draft["outstanding"]
    draft.derive("local_capital_to_outstanding_pct", ratio, "local capital / outstanding")


def _derive_registers(draft: _Draft, last_day: date) -> None:
    draft.derive("absconded_cases", draft["customers"] * Decimal("0.012"), "1.2 % of the customers")
    reached = draft.values.get("workers_abroad_reached", draft["customers"] / 1800)
    draft.derive("workers_abroad_reached", reached, "1 of 1,800 customers")
    draft.derive("workers_abroad_identified", draft["workers_abroad_reached"] * 9, "9 times those reached")
    draft.derive("workers_abroad_lent", draft["workers_abroad_reached"] * 90_000_000, "90 m VND a contract")
    has_stem = last_day >= STEM_BEGINS
    students = draft["customers"] / 800 if has_stem else Decimal(0)
    draft.derive("stem_students_identified", students, "1 of 800 customers, none before 2025-08-28")
    draft.derive("overdue_target_pct", draft["overdue_ratio_pct"] * Decimal("0.9"), "a tenth less than now")
    draft.derive("capital_needed", draft["capital_local"] * Decimal("0.12"), "12 % of the local capital")


def _require_ranges(profile: Profile, draft: _Draft) -> None:
    """Every printed figure still lies in its range after the books were made to agree."""
    computed = {
        "avg_outstanding_per_customer": draft["outstanding"] / draft["customers"],
        "local_share_of_capital_pct": draft["capital_local"] * HUNDRED / draft["capital_total"],
        "local_capital_to_outstanding_pct": draft["capital_local"] * HUNDRED / draft["outstanding"],
        "collected": draft["collected"],
        "capital_central": draft["capital_central"],
        "overdue_frozen_ratio_pct": draft["overdue_ratio_pct"] + draft["frozen_ratio_pct"],
    }
    partners = {
        "avg_outstanding_per_customer": "outstanding",
        "local_share_of_capital_pct": "capital_local",
        "local_capital_to_outstanding_pct": "capital_local",
        "collected": "disbursed",
        "capital_central": "capital_total",
        "overdue_frozen_ratio_pct": "overdue_ratio_pct",
    }
    for name, value in computed.items():
        if name in profile.figures:
            low, high = profile.figures[name].bounds
            slack = profile.figures[name].step * profile.figures[name].factor / 2
            if not low - slack <= value <= high + slack:
                raise ProfileError(
                    (name, partners[name]), f"the others make it {value:,.4f}, not {low:,f} to {high:,f}"
                )
    if draft["customers"] > draft["loans"]:
        raise ProfileError(("customers", "loans"), "there are more customers than loans")
    if draft["households_reached"] > draft["customers"]:
        raise ProfileError(("households_reached", "customers"), "more households borrowed than there are customers")
    if draft["collected"] > draft["outstanding"] - draft["change_from_year_start"] * Decimal("1"):
        raise ProfileError(("disbursed", "outstanding"), "more would be collected than was outstanding at first")


def _scale(name: str, value: Decimal, scale: Decimal) -> Decimal:
    """Apply the profile's scale to money and counts; shares and averages stay."""
    if scale == 1 or MEASURES[name] == "percent" or name == "avg_outstanding_per_customer":
        return value
    scaled = value * scale
    if MEASURES[name] == "count":
        return Decimal(max(1, round(scaled))) if value else Decimal(0)
    return Decimal(int(scaled))
