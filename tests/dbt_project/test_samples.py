"""The samples' scorecards, recomputed by pandas straight from the delivered files; and a merger on both territories (law 8)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import samples
from pipeline.build import build
from tests.dbt_project import arithmetic
from tests.dbt_project.test_figures import rows, scorecard
from tests.dbt_project.test_nation import nation, together
from tests.samples.auditing import read_delivery
from tests.support.deliveries import Delivery
from tests.support.warehouses import new_warehouse, remove_warehouse, run_short_night, without_great_expectations
from warehouse.connect import Warehouse

Sample = tuple[Warehouse, dict[tuple[str, str], Delivery]]
MERGER = "extends: bac-lieu-ca-mau-2025\nscale: 0.004\n"


def take_in(server: Warehouse, home: Path, *profiles: str | Path) -> Sample:
    """Generate samples, let the door take them in and build the marts; return the deliveries as their files say."""
    own = new_warehouse(server, home)
    found = {}
    for profile in profiles:
        for folder in samples.generate(profile, Path(own.settings.landing)):
            sent = read_delivery(folder)
            kept = {name: list(frame.to_dict("records")) for name, frame in sent.files.items()}
            branch, previous = sent.descriptor["branchCode"], sent.descriptor["previousBusinessDate"]
            found[branch, sent.day] = Delivery(branch, sent.day, previous, kept)  # type: ignore[arg-type]
    with without_great_expectations():
        run_short_night(own)
    build(own)
    return own, found


@pytest.fixture(scope="module")
def provinces(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    """Ninh Thuận, and Bạc Liêu and Cà Mau before and after their merger."""
    home = tmp_path_factory.mktemp("provinces")
    merger = home / "merger.yaml"
    merger.write_text(MERGER, encoding="utf-8")
    sample = take_in(warehouse, home / "home", "ninh-thuan-tiny", merger)
    yield sample
    remove_warehouse(sample[0])


@pytest.fixture(scope="module")
def ca_mau(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    """Cà Mau's third quarter, which begins with the merged branch."""
    sample = take_in(warehouse, tmp_path_factory.mktemp("ca-mau"), "ca-mau-tiny")
    yield sample
    remove_warehouse(sample[0])


def family(sample: Sample, branch: str) -> list[Delivery]:
    """All deliveries of a branch and those merged into it."""
    codes = ("95", "96") if branch == "96" else (branch,)
    return [delivery for (code, _), delivery in sample[1].items() if code in codes]


def outstanding(deliveries: list[Delivery], date: str) -> int | None:
    """What a territory owed on exactly a date, null where nothing was delivered for it."""
    found = [arithmetic.state(delivery)["outstanding_vnd"] for delivery in deliveries if delivery.date == date]
    return sum(found) if found else None


def expect(sample: Sample, branch: str, date: str) -> dict[str, Any]:
    """The scorecard of a branch and date from the files of its territory."""
    own = sample[1][branch, date]
    territory = family(sample, branch) if (branch, date) > ("96", "2025-07-00") else [
        delivery for (code, _), delivery in sample[1].items() if code == branch
    ]  # fmt: skip
    until = [delivery for delivery in territory if delivery.date <= date]
    expected = arithmetic.state(own)
    offices = own.rows["offices"]
    expected["offices_expected"] = expected["offices_delivered"] = sum(row["closed_on"] == "" for row in offices)
    day = dt.date.fromisoformat(date)
    for period, first in (
        ("year", day.replace(month=1, day=1)),
        ("quarter", day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)),
    ):
        start, eve = first.isoformat(), (first - dt.timedelta(days=1)).isoformat()
        opening = outstanding(until, eve)
        expected[f"change_from_{period}_start_vnd"] = None if opening is None else expected["outstanding_vnd"] - opening
        short = {"year": "ytd", "quarter": "qtd"}[period]
        # Unknown where nothing was delivered at or before the eve of the period.
        is_covered = any(delivery.date <= eve for delivery in until)
        flows = arithmetic.flows(until, start, date)
        expected[f"disbursed_{short}_vnd"] = flows["disbursed"] if is_covered else None
        expected[f"collected_{short}_vnd"] = flows["collected"] if is_covered else None
        expected[f"borrowers_reached_{short}"] = flows["reached"] if is_covered else None
    return expected


def differences(sample: Sample) -> dict[tuple[str, str, str], tuple[Any, Any]]:
    """Every column of every scorecard that is not what the files make."""
    found = {}
    newest = dt.date.fromisoformat(max(date for _, date in sample[1]))
    for branch, date in sample[1]:
        day = dt.date.fromisoformat(date)
        if day < newest - dt.timedelta(days=100) and (day + dt.timedelta(days=1)).day != 1:
            query = "select 1 from marts.mart_branch_scorecard where business_date = %s"
            assert rows(sample[0], query, date) == [], "its state is retired"
            continue
        shown, expected = scorecard(sample[0], branch, date), expect(sample, branch, date)
        assert set(shown) - set(expected) == {"business_date", "branch_code", "current_branch_code", "is_provisional"}
        for name, value in expected.items():
            if shown[name] != value:
                found[branch, date, name] = (shown[name], value)
    return found


def test_every_figure_of_every_scorecard_is_what_the_files_make(provinces: Sample) -> None:
    assert len(provinces[1]) >= 11
    assert differences(provinces) == {}


def test_the_merged_branch_alone_knows_what_it_was_sent(ca_mau: Sample) -> None:
    assert differences(ca_mau) == {}


def test_the_nation_is_made_of_both_branches_on_the_day_before_the_merger(provinces: Sample) -> None:
    whole = together(provinces[1]["95", "2025-06-30"], provinces[1]["96", "2025-06-30"])
    expected, found = arithmetic.state(whole), nation(provinces[0], "2025-06-30")
    assert {name: found[name] for name in expected} == expected


def test_totals_are_equal_on_the_reported_and_on_the_current_territory(provinces: Sample) -> None:
    warehouse, deliveries = provinces
    for mart, amount in (
        ("mart_loan_balances", "outstanding_vnd"), ("mart_overdue_debt", "overdue_vnd"), ("mart_capital_sources", "balance_vnd"),
        ("mart_lending_flows", "disbursed_vnd"), ("mart_lending_flows", "collected_vnd"), ("mart_organisations", "outstanding_vnd"),
    ):  # fmt: skip
        found = rows(
            warehouse,
            f"select business_date::text, current_branch_code, sum({amount}), count(distinct branch_code) from marts.{mart} "
            "group by 1, 2",
        )
        by_territory = {(date, code): (total, branches) for date, code, total, branches in found}
        reported = rows(
            warehouse, f"select business_date::text, sum({amount}) from marts.{mart} group by 1"
        )  # what the branches reported, whatever they are called today
        for date, total in reported:
            assert sum(value[0] for (day, _), value in by_territory.items() if day == date) == total, (mart, date)
        assert {code for _, code in by_territory} == {"56", "96"}, mart
        if mart == "mart_loan_balances":
            assert by_territory["2025-06-30", "96"] == (
                outstanding([deliveries["95", "2025-06-30"], deliveries["96", "2025-06-30"]], "2025-06-30"), 2,
            )  # fmt: skip


def test_the_territory_rolls_forward_over_the_merger(provinces: Sample) -> None:
    ((opening, closing, lent, repaid, written_off),) = rows(
        provinces[0],
        """
        select
            (select sum(outstanding_vnd) from marts.mart_loan_balances where current_branch_code = '96' and business_date = '2025-06-29'),
            (select sum(outstanding_vnd) from marts.mart_loan_balances where current_branch_code = '96' and business_date = '2025-09-30'),
            sum(disbursed_vnd), sum(collected_vnd), sum(written_off_vnd)
        from marts.mart_lending_flows where current_branch_code = '96' and value_date > '2025-06-29'
        """,
    )
    assert lent > 0
    assert opening + lent - repaid - written_off == closing


def test_the_overdue_ratio_of_the_territory_goes_through_the_merger(provinces: Sample) -> None:
    found = rows(
        provinces[0],
        "select business_date::text, round(100 * sum(overdue_vnd) / sum(outstanding_vnd), 6) from marts.mart_loan_balances "
        "where current_branch_code = '96' and business_date between '2025-06-30' and '2025-07-01' group by 1 order by 1",
    )
    old = together(provinces[1]["95", "2025-06-30"], provinces[1]["96", "2025-06-30"])
    new = provinces[1]["96", "2025-07-01"]
    assert [ratio for _, ratio in found] == [
        arithmetic.state(old)["overdue_ratio_pct"],
        arithmetic.state(new)["overdue_ratio_pct"],
    ]
