"""Published quarters beside the quarter before, the start of the year and the same quarter of last year."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from reporting.quarter import Quarter
from reporting.quarter_log import Version
from tests.support.quarters import HandMadeMarts, State, state
from warehouse.connect import Connection, Warehouse

MILLION = 1_000_000
JUNE, SEPTEMBER = dt.date(2025, 6, 30), dt.date(2025, 9, 30)


def compare(connection: Connection, code: str, measure: str, **where: str) -> list[tuple[Any, ...]]:
    conditions = "".join(f" and {name} = %({name})s" for name in where)
    return connection.execute(  # type: ignore[no-any-return]
        "select basis, territory, branch_code, member_code, value, compared_value, change, change_pct from quarters.comparison "
        f"where quarter_code = %(code)s and measure = %(measure)s{conditions} "
        "order by basis, territory, branch_code, member_code, value",
        {"code": code, "measure": measure, **where},
    ).fetchall()


def test_a_quarter_stands_beside_earlier_ones_on_both_territories(
    quarter_warehouse: Warehouse, marts: HandMadeMarts, publish_quarter: Callable[[Quarter], Version]
) -> None:
    """Cà Mau and Bạc Liêu merged on 2025-07-01: as reported 96 is another branch, on the territory of today nothing moved."""
    before: list[State] = [state("96", JUNE), state("95", JUNE, current_branch="96")]
    marts.show(*before)
    publish_quarter(Quarter(2025, 2))
    loans = {**state("96", SEPTEMBER).loans, **state("95", SEPTEMBER).loans}
    marts.show(state("96", SEPTEMBER, loans=loans, flows=[(SEPTEMBER, 5, 0)]))
    publish_quarter(Quarter(2025, 3))
    with quarter_warehouse.connect("quarter_keeper") as connection:
        assert compare(connection, "2025Q3", "outstanding_vnd", dimension="total") == [
            ("quarter before", "current", "*", None, 160 * MILLION, 160 * MILLION, 0, 0),
            ("quarter before", "current", "96", None, 160 * MILLION, 160 * MILLION, 0, 0),
            ("quarter before", "reported", "*", None, 160 * MILLION, 160 * MILLION, 0, 0),
            ("quarter before", "reported", "95", None, None, 80 * MILLION, None, None),
            ("quarter before", "reported", "96", None, 160 * MILLION, None, None, None),
            ("quarter before", "reported", "96", None, None, 80 * MILLION, None, None),
        ]
        ratio = compare(
            connection, "2025Q3", "overdue_ratio_pct", dimension="total", territory="current", branch_code="96"
        )
        assert ratio == [("quarter before", "current", "96", None, Decimal("2.5"), Decimal("2.5"), 0, None)]
        programmes = compare(connection, "2025Q3", "outstanding_vnd", dimension="programme", territory="current")
        assert [(row[3], row[4], row[5]) for row in programmes] == [
            ("1", 144 * MILLION, 144 * MILLION), ("19", 16 * MILLION, 16 * MILLION),
        ]  # fmt: skip


def test_a_code_that_went_to_another_unit_is_never_compared_with_itself(
    marts: HandMadeMarts,
    publish_quarter: Callable[[Quarter], Version],
    reading_as: Callable[[str, str], Connection],
) -> None:
    """15 was Yên Bái and is Lào Cai since 2025-07-01; Hà Nội (01) stayed, where 00004 was Trúc Bạch and is Ba Đình now.

    77777 is on no list of communes: its code is all that is known of it.
    """
    for scale, day in enumerate([dt.date(2025, 3, 31), JUNE, SEPTEMBER], 1):
        ha_noi = {("00004", "1", "TW", "PN"): (scale * MILLION, 0, 0), ("77777", "1", "TW", "PN"): (MILLION, 0, 0)}
        marts.show(state("15", day, scale=scale), state("01", day, loans=ha_noi))
        publish_quarter(Quarter(2025, scale))
    analyst = reading_as("bi_reader", "analyst")

    def beside_the_quarter_before(code: str, branch: str, dimension: str) -> list[tuple[Any, ...]]:
        found = compare(
            analyst, code, "outstanding_vnd", basis="quarter before", is_current="true", branch_code=branch,
            dimension=dimension,
        )  # fmt: skip
        return [(row[1], row[3], *row[4:7]) for row in found]

    assert beside_the_quarter_before("2025Q2", "15", "total") == [
        ("current", None, 160 * MILLION, 80 * MILLION, 80 * MILLION),
        ("reported", None, 160 * MILLION, 80 * MILLION, 80 * MILLION),
    ]
    assert beside_the_quarter_before("2025Q3", "15", "total") == [
        ("current", None, 240 * MILLION, 160 * MILLION, 80 * MILLION),
        ("reported", None, 240 * MILLION, None, None),
        ("reported", None, None, 160 * MILLION, None),
    ]
    assert beside_the_quarter_before("2025Q3", "01", "total") == [
        ("current", None, 4 * MILLION, 3 * MILLION, MILLION),
        ("reported", None, 4 * MILLION, 3 * MILLION, MILLION),
    ]
    assert beside_the_quarter_before("2025Q3", "01", "commune") == [
        ("current", "00004", 3 * MILLION, 2 * MILLION, MILLION),
        ("current", "77777", MILLION, MILLION, 0),
        ("reported", "00004", 3 * MILLION, None, None),
        ("reported", "00004", None, 2 * MILLION, None),
        ("reported", "77777", MILLION, MILLION, 0),
    ]


def test_year_start_and_last_year_are_the_published_quarters_of_these_days(
    quarter_warehouse: Warehouse, marts: HandMadeMarts, publish_quarter: Callable[[Quarter], Version]
) -> None:
    closed = [Quarter(2034, 3), Quarter(2034, 4), Quarter(2035, 2), Quarter(2035, 3)]
    for scale, quarter in enumerate(closed, 1):
        marts.show(state("96", quarter.last_on, scale=scale))
        publish_quarter(quarter)
    with quarter_warehouse.connect("quarter_keeper") as connection:
        found = compare(connection, "2035Q3", "frozen_vnd", dimension="total", territory="current", branch_code="96")
    assert [(row[0], row[4], row[5], row[6]) for row in found] == [
        ("quarter before", 4 * MILLION, 3 * MILLION, MILLION),
        ("same quarter last year", 4 * MILLION, MILLION, 3 * MILLION),
        ("year start", 4 * MILLION, 2 * MILLION, 2 * MILLION),
    ]


def test_ratios_of_a_published_quarter_are_rounded_once(
    quarter_warehouse: Warehouse, marts: HandMadeMarts, publish_quarter: Callable[[Quarter], Version]
) -> None:
    """Of 1,000,000,000,039 đồng 794,871,795,031 are overdue: 79.4871794999..., which is 79.487179."""
    loans = {("96001", "1", "TW", "PN"): (205_128_205_008, 794_871_795_031, 0)}
    for quarter in (Quarter(2030, 1), Quarter(2030, 2)):
        marts.show(state("96", quarter.last_on, loans=loans))
        publish_quarter(quarter)
    with quarter_warehouse.connect("quarter_keeper") as connection:
        found = compare(
            connection, "2030Q2", "overdue_ratio_pct", dimension="total", territory="current", branch_code="96"
        )
    assert [(row[0], str(row[4]), str(row[5])) for row in found] == [("quarter before", "79.487179", "79.487179")]
