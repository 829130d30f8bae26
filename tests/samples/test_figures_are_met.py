"""What the meetings printed comes out of the files again: counted here in pandas, from the published figures."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import samples
from tests.samples.auditing import Sent
from tests.samples.conftest import make

BILLION = 1_000_000_000
BUCKETS = ("in_term_vnd", "overdue_vnd", "frozen_vnd")


def outstanding(sent: Sent) -> int:
    return sum(int(sent.money("loan_book", column).sum()) for column in BUCKETS)


def flows(sample: list[Sent]) -> pd.DataFrame:
    frames = [
        sent.files["loan_transactions"].assign(vnd=sent.money("loan_transactions", "amount_vnd")) for sent in sample
    ]
    return pd.concat(frames)


def households_reached(sample: list[Sent]) -> int:
    lent = flows(sample).query("kind == 'disbursement'").groupby("customer_id")["vnd"].sum()
    return int((lent > 0).sum())


def turnover(sample: list[Sent]) -> int:
    return int(flows(sample).query("kind == 'disbursement'")["vnd"].sum())


def open_cases(sent: Sent) -> pd.DataFrame:
    return sent.files["absconded_cases"].query("closed_on == '' and management_status != 'returned'")


def local_share_of_outstanding(sent: Sent) -> float:
    local = sent.files["loan_book"]["source_code"] != "TW"
    return 100 * sum(int(sent.money("loan_book", column)[local].sum()) for column in BUCKETS) / outstanding(sent)


def local_capital(sent: Sent) -> int:
    local = sent.files["capital_positions"]["source_code"].str.startswith("DP_")
    return int(sent.money("capital_positions", "balance_vnd")[local].sum())


def workers_abroad(sent: Sent) -> tuple[int, int, int]:
    """Cases, those disbursed, and what the named contracts were lent in the loan book."""
    cases = sent.files["eligible_demand"].query("kind == 'worker_abroad'")
    reached = cases.query("status == 'disbursed'")
    named = reached.merge(sent.files["loan_book"], on=["contract_no", "customer_id"])
    return len(cases), len(reached), int(named["disbursed_vnd"].astype("int64").sum())


@pytest.mark.slow
def test_ninh_thuan_has_the_figures_of_its_first_quarter(tmp_path: Path) -> None:
    sample = make("ninh-thuan-2024q1", tmp_path)
    last = sample[-1]
    assert [sent.day for sent in sample][::4] == ["2023-12-31", "2024-03-31"]
    assert outstanding(last) == 3_619_100_000_000
    assert outstanding(last) - outstanding(sample[0]) == 108_300_000_000
    assert 331.8 * BILLION <= turnover(sample) < 331.9 * BILLION
    assert len(last.files["loan_book"]) == 105_772
    assert 81_400 <= last.files["loan_book"]["customer_id"].nunique() < 81_500
    assert 7_000 <= households_reached(sample) < 8_000


@pytest.mark.slow
def test_ca_mau_has_the_figures_of_its_third_quarter(tmp_path: Path) -> None:
    sample = make("ca-mau-2025q3", tmp_path)
    last = sample[-1]
    assert {sent.descriptor["branchCode"] for sent in sample} == {"96"}
    assert 4_850 * BILLION < outstanding(last) <= 4_860 * BILLION
    customers = last.files["loan_book"]["customer_id"].nunique()
    assert 130_000 < customers < 140_000
    assert 35.5e6 <= outstanding(last) / customers <= 36.5e6
    assert round(100 * int(last.money("loan_book", "overdue_vnd").sum()) / outstanding(last), 6) == 2.54
    capital = int(last.money("capital_positions", "balance_vnd").sum())
    for share in (
        100 * local_capital(last) / capital,
        100 * local_capital(last) / outstanding(last),
        local_share_of_outstanding(last),
    ):
        assert 8.5 <= share <= 9.5
    assert 9_200 <= len(open_cases(last)) < 9_300
    assert open_cases(last)["customer_id"].nunique() < len(open_cases(last))
    cases, reached, lent = workers_abroad(last)
    assert 1_100 <= cases < 1_200
    assert reached == 108
    assert 11.5 * BILLION <= lent <= 12.5 * BILLION
    abroad = last.files["loan_book"].query("programme_code == '4' and disbursed_on >= '2025-01-01'")
    assert len(abroad) == 108


def test_shares_are_met_at_any_size(ca_mau: list[Sent]) -> None:
    last = ca_mau[-1]
    overdue = 100 * int(last.money("loan_book", "overdue_vnd").sum()) / outstanding(last)
    assert overdue == pytest.approx(2.54, abs=1e-6)
    assert local_share_of_outstanding(last) == pytest.approx(9.01, abs=0.01)
    assert 100 * local_capital(last) / int(last.money("capital_positions", "balance_vnd").sum()) == pytest.approx(
        9.01, abs=0.01
    )


def test_scaled_counts_are_met(ninh_thuan: list[Sent]) -> None:
    last = ninh_thuan[-1]
    assert len(last.files["loan_book"]) == round(105_772 * 0.004)
    assert outstanding(last) == 14_476_400_000
    assert outstanding(last) - outstanding(ninh_thuan[0]) == 433_200_000
    assert households_reached(ninh_thuan) == 28


def test_who_left_is_not_who_is_overdue(ca_mau: list[Sent]) -> None:
    last = ca_mau[-1]
    book = last.files["loan_book"]
    left = set(open_cases(last)["customer_id"])
    overdue = set(book.loc[book["overdue_vnd"] != "0", "customer_id"])
    assert left & overdue
    assert left - overdue
    assert overdue - left


def test_lending_to_workers_abroad_this_year_is_that_of_the_named_contracts(merger: list[Sent]) -> None:
    last = merger[-1]
    book = last.files["loan_book"].query("programme_code == '4'")
    this_year = book[book["disbursed_on"] >= "2025-01-01"]
    named = last.files["eligible_demand"].query("status == 'disbursed' and kind == 'worker_abroad'")
    assert 0 < len(this_year) < len(book)
    assert set(this_year["contract_no"]) == set(named["contract_no"])


def test_stem_students_are_known_only_from_the_decision_on(merger: list[Sent]) -> None:
    for sent in merger:
        stem = sent.files["eligible_demand"].query("kind == 'stem_student'")
        assert (len(stem) > 0) == (sent.day == "2025-09-30")
        assert (stem["as_of"] >= "2025-08-28").all()
        assert set(stem["programme_code"]) <= {"27"}


def test_capital_needed_and_the_new_overdue_target_are_targets_of_the_meeting(ca_mau: list[Sent]) -> None:
    targets = ca_mau[-1].files["plan_targets"]
    needed = targets.query("indicator == 'local_capital_received' and period_start == '2025-09-30'").iloc[0]
    assert (int(needed["target_value"]), needed["due_on"]) == (738_000_000, "2025-12-31")  # 3 of 1,000 of 246 bn
    received = ca_mau[-1].files["capital_transactions"].query("kind == 'received'")
    assert not received["source_code"].str.startswith("DP_").any()
    overdue = targets.query("indicator == 'overdue_ratio_pct' and scope_kind == 'branch'").sort_values("version")
    assert list(overdue["version"]) == ["1", "2"]
    assert float(overdue.iloc[-1]["target_value"]) == 1.0


def test_most_lending_is_entrusted_to_the_four_organisations(merger: list[Sent]) -> None:
    book = merger[0].files["loan_book"]
    direct = (book["method"] == "direct").mean()
    assert 0.001 < direct < 0.02
    assert set(book["organisation_code"]) == {"ND", "PN", "CCB", "TN", "NONE"}
    assert ((book["method"] == "direct") == (book["organisation_code"] == "NONE")).all()


def test_another_province_can_be_written_down(tmp_path: Path) -> None:
    profile = tmp_path / "ben-tre.yaml"
    profile.write_text(
        """
        title: Bến Tre, four months of 2025, made small
        branch: "83"
        business_dates: [2024-12-31, 2025-03-31, 2025-04-30]
        figures:
          capital_total: {value: 14.786, word: exact, unit: bn VND, step: 0.001, source: a test}
          capital_mobilised: {value: 1.9, word: about, unit: bn VND, step: 0.1, source: a test}
          capital_local: {value: 1.17, word: over, unit: bn VND, step: 0.01, source: a test}
          disbursed: {value: 2.4, word: nearly, unit: bn VND, step: 0.1, source: a test}
          customers: {value: 400, word: exact, unit: customers, step: 1, source: a test}
        """,
        encoding="utf-8",
    )
    sample = make(profile, tmp_path / "out")
    last = sample[-1]
    assert int(last.money("capital_positions", "balance_vnd").sum()) == 14_786_000_000
    assert 1_170_000_000 <= local_capital(last) < 1_180_000_000
    assert 2_300_000_000 < turnover(sample) <= 2_400_000_000
    assert last.files["loan_book"]["customer_id"].nunique() == 400
    derived = {row["figure"] for row in samples.describe(profile) if row["derived"]}
    assert {"outstanding", "loans", "overdue_ratio_pct", "capital_central"} <= derived
