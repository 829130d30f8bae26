"""What a second version says of the first, and that the first one's report never changes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from reporting.board_report import render_report
from reporting.board_report.closing import find_changed
from reporting.board_report.compose import compose_report
from reporting.board_report.edition import find_edition
from reporting.quarter import parse_quarter
from reporting.quarter_decide import approve_draft, publish_version
from reporting.quarter_freeze import freeze_quarter
from tests.reporting.board_report.board_marts import CA_MAU, NINH_THUAN, fill_marts
from tests.support.quarters import publish
from tests.support.warehouses import new_warehouse, remove_warehouse
from warehouse.connect import Warehouse

AUGUST = dt.date(2025, 8, 31)
CORRECT = """
    update marts.mart_branch_scorecard set absconded_cases = absconded_cases - 4 where branch_code = '96';
    update marts.mart_national_scorecard set absconded_cases = absconded_cases - 4 where business_date = '2025-09-30';
"""


def close(warehouse: Warehouse, code: str) -> None:
    freeze_quarter(warehouse, parse_quarter(code), None)
    approve_draft(warehouse, parse_quarter(code), by="minh")
    publish_version(warehouse, parse_quarter(code), by="minh")


def show_build(warehouse: Warehouse) -> None:
    with warehouse.connect("transformer") as connection:
        connection.execute(
            "insert into meta.builds (ledger_entry_no, reference_version, calculation_version, is_last, flipped_at) "
            "select max(entry_no), meta.reference_version(), 'one', true, clock_timestamp() from meta.ledger"
        )


def test_a_correction_is_named_in_version_two_and_leaves_the_report_of_version_one(
    quarter_warehouse: Warehouse, tmp_path: Path
) -> None:
    warehouse = new_warehouse(quarter_warehouse, tmp_path)
    fill_marts(warehouse, NINH_THUAN, CA_MAU)
    close(warehouse, "2025Q3")
    with warehouse.connect("quarter_keeper") as connection:
        first = render_report(connection, find_edition(connection, parse_quarter("2025Q3")), "96", "en")
    with warehouse.connect("admin") as connection:
        connection.execute(CORRECT)
    with warehouse.connect("loader") as connection:
        publish(connection, CA_MAU.branch, CA_MAU.date, revision=2)
    show_build(warehouse)
    close(warehouse, "2024Q1")  # an earlier quarter, published later than version 1 of this one
    close(warehouse, "2025Q3")
    with warehouse.connect("quarter_keeper") as connection:
        quarter = parse_quarter("2025Q3")
        again = render_report(connection, find_edition(connection, quarter, 1), "96", "en")
        assert (again.html, again.pdf, again.xlsx) == (first.html, first.pdf, first.xlsx)
        report = compose_report(connection, find_edition(connection, quarter), "96", "en")
        nation = compose_report(connection, find_edition(connection, quarter), "*", "vi")
    tables = {table.key: table for section in report.sections for table in section.tables}
    changed = {str(row[0]): [getattr(value, "value", value) for value in row[1:]] for row in tables["changes"].rows}
    assert changed == {"Cases of having left the locality": [9204, 9200, -4]}
    assert [row[1:] for row in tables["inputs"].rows] == [("96", CA_MAU.date, "corrected delivery")]
    compared = next(table for section in nation.sections for table in section.tables if table.key == "compare")
    assert [row[:2] for row in compared.rows] == [("2024Q1", 1), ("2025Q3", 2)]
    remove_warehouse(warehouse)


def test_what_only_the_second_version_knows_is_named_too(quarter_warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse = new_warehouse(quarter_warehouse, tmp_path)
    fill_marts(warehouse, CA_MAU)
    close(warehouse, "2025Q3")
    with warehouse.connect("admin") as connection:
        connection.execute("update marts.mart_branch_scorecard set disbursed_qtd_vnd = %s", [CA_MAU.disbursed])
    with warehouse.connect("loader") as connection:
        publish(connection, CA_MAU.branch, dt.date(2025, 7, 1))
    show_build(warehouse)
    close(warehouse, "2025Q3")
    with warehouse.connect("quarter_keeper") as connection:
        report = compose_report(connection, find_edition(connection, parse_quarter("2025Q3")), "96", "en")
    tables = {table.key: table for section in report.sections for table in section.tables}
    changed = {str(row[0]): [getattr(value, "value", value) for value in row[1:]] for row in tables["changes"].rows}
    assert changed == {"Lending turnover of the quarter": [None, CA_MAU.disbursed, None]}
    remove_warehouse(warehouse)


def test_what_a_second_version_restates_of_fewer_than_five_persons_is_not_told(
    quarter_warehouse: Warehouse, tmp_path: Path
) -> None:
    warehouse = new_warehouse(quarter_warehouse, tmp_path)
    fill_marts(warehouse, CA_MAU)
    for version, borrowers in enumerate((9, 3, 8), start=1):
        with warehouse.connect("admin") as connection:
            connection.execute("update marts.mart_branch_scorecard set absconded_borrowers = %s", [borrowers])
        close(warehouse, "2025Q3")
        with warehouse.connect("quarter_keeper") as connection:
            report = compose_report(connection, find_edition(connection, parse_quarter("2025Q3"), version), "96", "en")
        tables = {table.key: table for section in report.sections for table in section.tables}
        if version > 1:
            assert [[str(cell) for cell in row] for row in tables["changes"].rows] == [
                ["Borrowers who left", *["HIDDEN"] * 3]
            ]
    remove_warehouse(warehouse)


def test_a_delivery_that_is_held_since_is_named_among_the_changes_of_version_two(
    quarter_warehouse: Warehouse, tmp_path: Path
) -> None:
    warehouse = new_warehouse(quarter_warehouse, tmp_path)
    fill_marts(warehouse, NINH_THUAN, CA_MAU)
    with warehouse.connect("loader") as connection:
        publish(connection, CA_MAU.branch, AUGUST)
    show_build(warehouse)
    close(warehouse, "2025Q3")
    with warehouse.connect("admin") as connection:
        connection.execute(CORRECT)
    with warehouse.connect("loader") as connection:
        connection.execute(
            "insert into meta.ledger (branch_code, branch_valid_from, business_date, verdict, sets_visible, reason) "
            "select branch_code, branch_valid_from, business_date, 'held', true, '' from meta.visible_deliveries "
            "where branch_code = %s and business_date = %s",
            [CA_MAU.branch, AUGUST],
        )
    show_build(warehouse)
    close(warehouse, "2025Q3")
    with warehouse.connect("quarter_keeper") as connection:
        report = compose_report(connection, find_edition(connection, parse_quarter("2025Q3")), "96", "en")
    tables = {table.key: table for section in report.sections for table in section.tables}
    assert [row[1:] for row in tables["inputs"].rows] == [("96", AUGUST, "corrected delivery")]
    remove_warehouse(warehouse)


def test_what_only_one_version_looks_back_to_has_not_changed() -> None:
    """2025Q3 of branch 04: version 1 looks back to 2023, for a target, version 2 to the year's opening, and the other way round."""
    short = {("04", "2024-12-31"): "a", ("04", "2025-09-30"): "b"}
    long = {("04", "2022-12-31"): "c", ("04", "2023-06-30"): "d", **short}
    assert find_changed(long, short, "2024-12-31") == find_changed(short, long, "2024-12-31") == []
    corrected = long | {("04", "2023-06-30"): "other"}
    assert find_changed(long, corrected, "2024-12-31") == [("04", "2023-06-30", "corrected")]
    late = long | {("04", "2023-03-31"): "late", ("04", "2025-06-30"): "late"}
    told = [("04", "2023-03-31", "late"), ("04", "2025-06-30", "late")]
    assert find_changed(long, late, "2024-12-31") == told
    assert find_changed(short, late, "2024-12-31") == told[1:]
    opened_late = {("04", "2025-09-30"): "b"}
    assert find_changed(opened_late, short, "2024-12-31") == [("04", "2024-12-31", "late")]


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_word_is_there_in_both_languages(language: str) -> None:
    from reporting.board_report.words import read_words  # noqa: PLC0415

    place = 0 if language == "vi" else 1
    assert [key for key, both in read_words().items() if not both[place].strip()] == []
