"""The benchmark's nation: many branches, consecutive nights, each keeping the contract."""

from __future__ import annotations

import pickle
from pathlib import Path

import pandas as pd

import samples
from samples.nation import make_profiles
from samples.plan import make_plan
from tests.samples.auditing import find_descriptor_faults, find_relation_faults, read_delivery
from tests.samples.rolling import find_roll_forward_faults


def test_branches_deliver_consecutive_nights_that_roll_forward(tmp_path: Path) -> None:
    folders = samples.nation(tmp_path, branches=2, loans=9_000, customers=7_000, nights=2, scale=0.1, processes=1)
    sent = [read_delivery(folder) for folder in folders]
    assert [(one.descriptor["branchCode"], one.day) for one in sent] == [
        ("01", "2025-09-29"), ("01", "2025-09-30"), ("04", "2025-09-29"), ("04", "2025-09-30"),
    ]  # fmt: skip
    for earlier, later in (sent[:2], sent[2:]):
        assert find_descriptor_faults(later) + find_relation_faults(later) == []
        assert find_roll_forward_faults([earlier], later) == []
        assert len(later.files["loan_transactions"]) > 0
    assert sum(len(one.files["loan_book"]) for one in sent[1::2]) == 900
    customers = pd.concat([sent[1].files["customers"], sent[3].files["customers"]])
    assert customers["customer_id"].is_unique
    assert customers["national_id"].is_unique


def test_a_refusal_travels_between_processes() -> None:
    refused = pickle.loads(pickle.dumps(samples.ProfileError(("customers", "loans"), "too many")))
    assert refused.figures == ("customers", "loans")
    assert str(refused) == "customers and loans: too many"


def test_the_whole_nation_can_be_planned() -> None:
    profiles = make_profiles(34, 10_000_000, 7_000_000, 2)
    assert len({profile.branch for profile in profiles}) == 34
    plans = [make_plan(profile) for profile in profiles]
    assert sum(plan.count("loans") for plan in plans) == 10_000_000
    assert sum(plan.count("customers") for plan in plans) == 7_000_000
