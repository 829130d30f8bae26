"""What the report says at its edges: transfers, branches without a closing, targets that are passed, debt frozen in part."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from reporting.board_report.compose import compose_report
from reporting.board_report.edition import find_edition
from reporting.board_report.model import Report
from reporting.board_report.numbers import Language
from reporting.quarter import parse_quarter
from tests.reporting.board_report.board_marts import CA_MAU, MEETINGS, NINH_THUAN, fill_marts
from tests.reporting.board_report.test_report_of_a_second_version import close
from tests.support.warehouses import new_warehouse, remove_warehouse
from warehouse.connect import Warehouse

# Of a commune's overdue loans some are frozen in part, and none as a whole.
FROZEN_IN_PART = """
    update marts.mart_overdue_debt as late set frozen_vnd = frozen.frozen_vnd
    from marts.mart_overdue_debt as frozen
    where late.commune_code = '31840' and frozen.commune_code = '31840' and late.programme_code = frozen.programme_code
        and late.overdue_band = '31-90' and frozen.overdue_band = 'frozen';
    delete from marts.mart_overdue_debt where commune_code = '31840' and overdue_band = 'frozen';
"""
# Of each branch 30 bn that was lent on the last day came from another branch instead; branch 79, without a closing, lent 5 bn.
CHANGES = """
    alter table marts.mart_lending_flows add column transferred_vnd bigint default 0;
    update marts.mart_lending_flows set disbursed_vnd = disbursed_vnd - 30000000000, transferred_vnd = 30000000000
    where value_date = business_date;
    update marts.mart_branch_scorecard set disbursed_qtd_vnd = disbursed_qtd_vnd - 30000000000;
    insert into marts.mart_lending_flows (business_date, branch_code, current_branch_code, is_provisional, value_date,
        office_code, commune_code, programme_code, source_code, disbursed_vnd, disbursed_loans, collected_vnd, written_off_vnd)
    values ('2025-07-31', '79', '79', false, '2025-07-20', '7', '26734', '1', 'TW', 5000000000, 70, 0, 0);
    update marts.mart_demand_coverage set applied = 0, identified = identified + applied;
    update marts.mart_target_progress set actual_value = target_value + 5, gap = -5 where plan_id = 'KH-96-VDP';
"""


@pytest.fixture(scope="module")
def moved(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Both meetings' quarters, published, with transfers."""
    own = new_warehouse(warehouse, tmp_path_factory.mktemp("moved"))
    fill_marts(own, NINH_THUAN, CA_MAU)
    with own.connect("admin") as connection:
        connection.execute(CHANGES)
        connection.execute(FROZEN_IN_PART)
    for code in MEETINGS:
        close(own, code)
    yield own
    remove_warehouse(own)


def report(warehouse: Warehouse, code: str, branch: str, language: Language = "en") -> Report:
    with warehouse.connect("quarter_keeper") as connection:
        return compose_report(connection, find_edition(connection, parse_quarter(code)), branch, language)


def picture(made: Report, key: str) -> str:
    """What a picture shows, in words."""
    (found,) = [chart.alt for section in made.sections for chart in section.charts if chart.key == key]
    return found.replace("\u00a0", " ")


def test_debt_that_was_moved_in_is_a_step_of_its_own_on_the_way_to_the_closing(moved: Warehouse) -> None:
    made = report(moved, "2024Q1", "58")
    steps = picture(made, "waterfall")
    assert "Opening 3,510.8 bn VND" in steps
    assert "Transferred 30.0 bn VND" in steps
    assert "Other" not in steps
    assert picture(made, "trend").endswith("31 March 2024 3,619.1 bn VND")


def test_an_opening_that_is_derived_leaves_out_what_was_moved_in(moved: Warehouse) -> None:
    # 4,859.6 bn less 378,363,020,920 - 30 bn lent and 30 bn moved in, and 283,772,265,690 collected.
    steps = picture(report(moved, "2025Q3", "96"), "waterfall")
    assert "Opening 4,765.0 bn VND" in steps
    assert "Transferred 30.0 bn VND" in steps


def test_the_flows_of_the_nation_are_those_of_the_branches_in_its_closing(moved: Warehouse) -> None:
    made = report(moved, "2025Q3", "*")
    (table,) = [table for section in made.sections for table in section.tables if table.key == "flows"]
    assert table.rows[-1][1] == CA_MAU.disbursed - 30_000_000_000
    assert "Opening 4,765.0 bn VND" in picture(made, "waterfall")


def test_pictures_are_told_in_the_numbers_and_units_of_the_reader(moved: Warehouse) -> None:
    made = report(moved, "2025Q3", "96", "vi")
    assert re.search("[0-9],[0-9] %", picture(made, "coverage"))
    assert not re.search("[0-9][.][0-9] %", picture(made, "coverage"))
    # The picture is drawn in millions, and each amount is told with its own unit.
    assert picture(made, "communes").startswith("Nợ quá hạn theo xã: ")


def test_nothing_is_needed_once_the_target_is_passed(moved: Warehouse) -> None:
    assert report(moved, "2025Q3", "96").figures["capital_needed"].value == 0


def test_debt_frozen_in_part_is_not_told_of_a_commune_where_it_may_be_that_of_one_person(moved: Warehouse) -> None:
    made = report(moved, "2025Q3", "96")
    (table,) = [table for section in made.sections for table in section.tables if table.key == "communes"]
    # Thirty overdue loans in each of four programmes, of which no row says how many are frozen too.
    (cells,) = [[str(value) for value in row[3:]] for row in table.rows if row[2] == "31840"]
    assert cells == ["HIDDEN"] * 5


def test_the_day_of_publication_is_the_banks_whatever_zone_the_server_has(moved: Warehouse) -> None:
    told = []
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):  # 26 hours apart: never the same day
        with moved.connect("quarter_keeper") as connection:
            connection.execute("select set_config('timezone', %s, false)", [zone])
            told.append(compose_report(connection, find_edition(connection, parse_quarter("2025Q3")), "96", "en").facts)
    assert told[0] == told[1]
