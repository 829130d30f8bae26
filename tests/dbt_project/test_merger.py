"""A quarter that begins in two branches and ends in one: An Giang (89) and Kiên Giang (91) become An Giang (91) on 2025-07-01."""

from __future__ import annotations

import pytest

from pipeline.build import build
from tests.dbt_project import arithmetic
from tests.dbt_project.publishing import publish
from tests.dbt_project.test_figures import rows, scorecard
from tests.dbt_project.variety import COMMUNES, following, varied
from tests.support.deliveries import Delivery
from warehouse.connect import Warehouse


@pytest.fixture(scope="module")
def merged(marts: Warehouse, year: list[Delivery]) -> dict[str, list[Delivery]]:
    """Both old branches at the end of 2024 and of June 2025, and the new one on 4 July and 30 September."""
    old = {code: [varied(code, "2024-12-31", seed)] for code, seed in (("89", 21), ("91", 22))}
    for code, seed in (("89", 23), ("91", 24)):
        old[code].append(following(old[code][0], "2025-06-30", seed))
    first = _merge(old["89"][-1], old["91"][-1], "2025-07-04", 25)
    publish(marts, *old["89"], *old["91"], first, following(first, "2025-09-30", 26))
    build(marts)
    return old | {"new": [first, following(first, "2025-09-30", 26)]}


def _merge(left: Delivery, right: Delivery, date: str, seed: int) -> Delivery:
    whole = right.next(date)
    for name in whole.rows:
        whole.rows[name] = whole.rows[name] + left.next(date).rows[name]
    return following(Delivery("91", right.date, None, whole.rows), date, seed)


def test_sums_to_date_include_the_predecessors(marts: Warehouse, merged: dict[str, list[Delivery]]) -> None:
    found = scorecard(marts, "91", "2025-09-30")
    since_new_year = merged["89"][1:] + merged["91"][1:] + merged["new"]
    expected = arithmetic.flows(since_new_year, "2025-01-01", "2025-09-30")
    assert found["disbursed_ytd_vnd"] == expected["disbursed"]
    assert found["collected_ytd_vnd"] == expected["collected"]
    assert found["borrowers_reached_ytd"] == expected["reached"]
    assert found["disbursed_qtd_vnd"] == arithmetic.flows(merged["new"], "2025-07-01", "2025-09-30")["disbursed"]


def test_the_opening_is_that_of_all_who_held_the_territory(marts: Warehouse, merged: dict[str, list[Delivery]]) -> None:
    found = scorecard(marts, "91", "2025-09-30")
    openings = [
        sum(arithmetic.state(merged[code][number])["outstanding_vnd"] for code in ("89", "91")) for number in (0, 1)
    ]
    assert found["change_from_year_start_vnd"] == found["outstanding_vnd"] - openings[0]
    assert found["change_from_quarter_start_vnd"] == found["outstanding_vnd"] - openings[1]


def test_old_branches_are_shown_under_the_new_one(marts: Warehouse, merged: dict[str, list[Delivery]]) -> None:
    reported = rows(
        marts,
        "select branch_code, sum(outstanding_vnd)::bigint from marts.mart_loan_balances where business_date = '2025-06-30' group by 1",
    )
    current = rows(
        marts,
        "select current_branch_code, sum(outstanding_vnd)::bigint from marts.mart_loan_balances "
        "where business_date = '2025-06-30' group by 1",
    )
    expected = {code: arithmetic.state(merged[code][1])["outstanding_vnd"] for code in ("89", "91")}
    assert dict(reported) == expected
    assert dict(current) == {"91": sum(expected.values())}


def test_a_split_commune_is_flagged_and_moves_no_money(marts: Warehouse, merged: dict[str, list[Delivery]]) -> None:
    communes = rows(
        marts,
        "select commune_code, is_approximate_succession from marts.dim_commune where valid_to = '2025-06-30' and branch_code = '89'",
    )
    flags = dict(communes)
    found = rows(
        marts,
        "select distinct commune_code, is_approximate_succession from marts.mart_loan_balances "
        "where branch_code = '89' and business_date = '2025-06-30'",
    )
    assert dict(found) == {code: flags.get(code, False) for code in COMMUNES["89"]}


def test_one_missing_predecessor_makes_the_sums_unknown(marts: Warehouse, merged: dict[str, list[Delivery]]) -> None:
    alone = following(varied("56", "2025-06-30", 31), "2025-07-01", 32)
    alone.previous = "2025-06-30"
    publish(marts, alone, verdict="provisional")
    build(marts)
    found = scorecard(marts, "56", "2025-07-01")
    assert found["is_provisional"] is True
    assert [found[name] for name in found if "_qtd" in name or "_ytd" in name or "change_from" in name] == [None] * 8


def test_registers_of_predecessors_are_in_the_dimensions_once(
    marts: Warehouse, merged: dict[str, list[Delivery]]
) -> None:
    found = rows(
        marts, "select office_code, current_branch_code from marts.dim_office where current_branch_code = '91'"
    )
    assert sorted(found) == [(code, "91") for code in ("890001", "890002", "910001", "910002")]
