"""The board report against the frozen rows: every figure, every sentence of the two articles, small cells, bytes."""

from __future__ import annotations

import datetime as dt
import html
import io
import re
import zipfile
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from pipeline.report import write_reports
from pipeline.report_command import read_article
from reporting.board_report import Files, fonts, render_report
from reporting.board_report.compose import compose_report
from reporting.board_report.edition import find_edition
from reporting.board_report.figures import read_figures
from reporting.board_report.frozen import FrozenRows
from reporting.board_report.numbers import write_number
from reporting.board_report.suppression import find_small
from reporting.board_report.words import Words, read_words
from reporting.quarter import QuarterError, parse_quarter
from tests.reporting.board_report.board_marts import CA_MAU, MEETINGS
from warehouse.connect import Connection, Warehouse

# Every sentence of the two articles that carries a figure (domain.md), as its figures were printed.
PRINTED = {
    "2024Q1": ["331,8 tỷ", "7.000 hộ", "3.619,1 tỷ", "108,3 tỷ", "81.400 khách hàng", "105.772"],
    "2025Q3": ["4.860 tỷ", "9\u00a0%", "bình quân cả nước", "36 triệu", "135.000 khách hàng", "2,54\u00a0%", "mười lần", "9.200 người vay",
               "12 tỷ", "108 trong hơn 1.100", "246 tỷ", "31/12/2025", "dưới 1\u00a0%", "Quyết định 29/2025"],
}  # fmt: skip
COMPUTED = {
    "2024Q1": ["331,8", "7.040", "3.619,1", "108,3", "81.404", "105.772"],
    "2025Q3": ["4.859,6", "9,01", "36,0 triệu", "134.951", "2,54", "15,9", "5,3", "9.204", "9.020", "12,0", "108", "1.104", "246,0", "1,00", "74,8",
               "300"],
}  # fmt: skip


def text_of(page: bytes) -> str:
    return html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page.decode(), flags=re.S))


@pytest.mark.parametrize("code", MEETINGS)
def test_every_sentence_of_the_article_that_carries_a_figure_is_in_the_report(
    code: str, reports: dict[str, Files]
) -> None:
    text = text_of(reports[code].html)
    start = text.index("Câu có số liệu")
    printed = (
        text[start : text.index("Mỗi từ chỉ một khoảng", start)]
        .replace("tỷ\u00a0", "tỷ ")
        .replace("\u00a0triệu", " triệu")
    )
    assert [words for words in PRINTED[code] if words not in printed] == []
    assert [figure for figure in COMPUTED[code] if figure not in printed] == []


@pytest.mark.parametrize("code", MEETINGS)
def test_every_printed_figure_agrees_but_ten_times_the_national_average(code: str, connection: Connection) -> None:
    article = read_article(code, MEETINGS[code])
    report = compose_report(connection, find_edition(connection, parse_quarter(code)), MEETINGS[code], "en", article)
    table = next(section for section in report.sections if section.key == "printed").tables[0]
    assert len(table.rows) == len(article)
    assert [row[0] for row in table.rows if row[2] == "no"] == (
        ["That is ten times the national average."] if code == "2025Q3" else []
    )


@pytest.mark.parametrize("code", MEETINGS)
def test_every_headline_of_the_page_equals_the_frozen_row(
    code: str, reports: dict[str, Files], connection: Connection
) -> None:
    shown = dict(re.findall(r'data-key="(\w+)" value="([^"]*)"', reports[code].html.decode()))
    rows = connection.execute("select to_jsonb(s) || to_jsonb(m) from quarters.branch_scorecard as s inner join quarters.capital_mix as m "
                              "using (quarter_code, version, branch_code) where quarter_code = %s", [code]).fetchone()  # fmt: skip
    assert rows is not None
    columns = {"outstanding": "outstanding_vnd", "change_from_year_start": "change_from_year_start_vnd", "disbursed": "disbursed_qtd_vnd",
               "collected": "collected_qtd_vnd", "customers": "borrowers", "loans": "loans", "overdue": "overdue_vnd", "frozen": "frozen_vnd",
               "overdue_ratio_pct": "overdue_ratio_pct", "local_share_of_capital_pct": "local_share_of_capital_pct",
               "local_share_of_outstanding_pct": "local_share_of_outstanding_pct", "absconded_cases": "absconded_cases",
               "capital_total": "capital_total_vnd", "capital_local": "local_vnd", "local_idle": "local_idle_vnd"}  # fmt: skip
    for key, column in columns.items():
        assert (Decimal(shown[key]) if shown[key] else None) == (
            None if rows[0][column] is None else Decimal(str(rows[0][column]))
        ), key


def read_headlines(connection: Connection, code: str, branch: str) -> dict[str, object]:
    rows = FrozenRows(connection, find_edition(connection, parse_quarter(code)), branch)
    scorecard = rows.read_scorecard()
    assert scorecard is not None
    return {key: figure.value for key, figure in read_figures(rows, scorecard, Words("en")).items()}


@pytest.mark.parametrize(
    ("code", "target", "leave", "needed"),
    [
        # 10,133,480,000 less 0.25 % of 3,619,100,000,000; 123,433,840,000 less 1 % of 4,859,600,000,000.
        ("2024Q1", "0.25", 1_085_730_000, 18_000_000_000),
        ("2025Q3", "1", 74_837_840_000, 246_000_000_000),
    ],
)
def test_the_headline_target_is_the_one_in_force_for_the_whole_branch(
    code: str, target: str, leave: int, needed: int, connection: Connection
) -> None:
    shown = read_headlines(connection, code, MEETINGS[code])
    found = [shown[key] for key in ("overdue_target_pct", "overdue_to_leave", "capital_needed")]
    assert found == [Decimal(target), leave, needed]


def test_a_target_of_a_part_says_of_which_one(connection: Connection) -> None:
    report = compose_report(connection, find_edition(connection, parse_quarter("2025Q3")), "96", "en")
    (table,) = [table for section in report.sections for table in section.tables if table.key == "targets"]
    told = {str(row[0]).rpartition(" · ")[2]: str(row[0]) for row in table.rows}
    whole = "Overdue ratio (%)"
    assert told["KH-96-QH"] == f"{whole} · KH-96-QH"
    assert told["KH-96-QH-19"] == f"{whole} — Near-poor households · KH-96-QH-19"
    assert told["KH-96-QH-DP"] == f"{whole} — Local entrusted capital · KH-96-QH-DP"
    assert told["KH-96-QH-79"] == f"{whole} — Ho Chi Minh City · KH-96-QH-79"


def test_the_nation_has_no_target_since_no_board_has_set_one(connection: Connection) -> None:
    shown = read_headlines(connection, "2025Q3", "*")
    assert shown["outstanding"] == CA_MAU.outstanding
    assert [shown[key] for key in ("overdue_target_pct", "overdue_to_leave", "capital_needed")] == [None] * 3


def test_the_tables_of_the_page_add_up_to_the_frozen_outstanding(connection: Connection) -> None:
    edition = find_edition(connection, parse_quarter("2025Q3"))
    report = compose_report(connection, edition, "96", "en")
    tables = {table.key: table for section in report.sections for table in section.tables}
    for key, place in (("programmes", 5), ("communes", 6)):
        assert tables[key].rows[-1][place] == CA_MAU.outstanding
    for row in FrozenRows(connection, edition, "96").read_balances_by("programme_code"):
        assert any(line[1] == row["loans"] and line[5] == row["outstanding_vnd"] for line in tables["programmes"].rows)


def test_two_renderings_are_the_same_bytes(reports: dict[str, Files], connection: Connection) -> None:
    again = render_report(
        connection, find_edition(connection, parse_quarter("2025Q3")), "96", "vi", read_article("2025Q3", "96")
    )
    assert (again.html, again.pdf, again.xlsx) == (
        reports["2025Q3"].html,
        reports["2025Q3"].pdf,
        reports["2025Q3"].xlsx,
    )


def test_the_page_needs_nothing_else_and_every_letter_is_in_its_typeface(reports: dict[str, Files]) -> None:
    page = reports["2025Q3"].html.decode()
    assert re.findall(r'(?:src|href)="(?!data:|#)[^"]*"|url\((?!data:)|<script', page) == []
    assert fonts.find_missing_letters(text_of(page.encode())) == set()
    assert fonts.find_missing_letters("".join(word for both in read_words().values() for word in both)) == set()
    assert fonts.find_missing_letters("漢") == {"漢"}


def test_the_workbook_holds_real_numbers_and_dates_under_frozen_headers(reports: dict[str, Files]) -> None:
    book = openpyxl.load_workbook(io.BytesIO(reports["2025Q3"].xlsx))
    sheet = next(sheet for sheet in book if sheet.title.endswith("programmes"))
    assert sheet.freeze_panes == "B5"
    assert sheet.cell(sheet.max_row, 6).value == CA_MAU.outstanding
    targets = next(sheet for sheet in book if sheet.title.endswith("targets"))
    kinds = {type(cell.value) for cell in targets[5]}
    assert {str, dt.datetime} < kinds
    assert kinds & {int, float}
    assert not any(cell.data_type == "f" for sheet in book for line in sheet.iter_rows() for cell in line)
    assert {info.date_time for info in zipfile.ZipFile(io.BytesIO(reports["2025Q3"].xlsx)).infolist()} == {
        (1980, 1, 1, 0, 0, 0)
    }


def test_text_that_begins_like_a_formula_stays_text(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    edition = find_edition(connection, parse_quarter("2025Q3"))
    names = dict(zip(("1", "19", "9", "6"), ("=HYPERLINK(1)", "+1", "-1+1", "@SUM(1)"), strict=True))
    monkeypatch.setattr(FrozenRows, "read_names", lambda *_: names)
    book = openpyxl.load_workbook(io.BytesIO(render_report(connection, edition, "96", "en").xlsx))
    cells = [cell for sheet in book for line in sheet.iter_rows() for cell in line if cell.value in names.values()]
    assert {cell.value for cell in cells} == set(names.values())
    assert {cell.data_type for cell in cells} == {"s"}


def test_cells_of_fewer_than_five_customers_are_in_none_of_the_files(
    reports: dict[str, Files], connection: Connection
) -> None:
    report = compose_report(connection, find_edition(connection, parse_quarter("2025Q3")), "96", "vi")
    tables = {table.key: table for section in report.sections for table in section.tables}
    small = next(row for row in tables["communes"].rows if row[2] == CA_MAU.communes[-1])
    assert [str(value) for value in small[3:]] == ["HIDDEN"] * 5
    # One hidden commune beside a total could be subtracted: a second one goes with it.
    assert sum(str(row[3]) == "HIDDEN" for row in tables["communes"].rows) > 1
    assert str(report.figures["stem_students_reached"].value) == "HIDDEN"
    absconded = [str(row[1]) for row in tables["absconded"].rows[:-1]]
    assert absconded.count("HIDDEN") == 2
    amount = write_number(8_000_000, 0, "vi")
    assert amount not in text_of(reports["2025Q3"].html)
    book = openpyxl.load_workbook(io.BytesIO(reports["2025Q3"].xlsx))
    assert not any(cell.value == 8_000_000 for sheet in book for line in sheet.iter_rows() for cell in line)


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ([20, 30], set()),
        ([0, 30], set()),
        ([3, 30, 9], {0, 2}),
        ([2, 2, 30], {0, 1, 2}),
        ([4, 4, 30], {0, 1}),
        ([3], {0}),
    ],
)
def test_what_a_hidden_cell_could_be_computed_from_is_hidden_too(counts: list[int], hidden: set[int]) -> None:
    assert find_small(counts, 5) == hidden


def test_a_quarter_in_which_money_moved_on_its_last_day_only_has_no_trend_and_every_other_picture(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    edition = find_edition(connection, parse_quarter("2025Q3"))

    def pictures() -> list[str]:
        sections = compose_report(connection, edition, "96", "vi").sections
        return [chart.key for section in sections for chart in section.charts]

    def on_the_last_day(rows: FrozenRows, column: str) -> list[dict[str, object]]:
        found = read_flows_by(rows, column)
        return [{**found[0], "code": edition.as_of}] if column == "value_date" else found

    usual, read_flows_by = pictures(), FrozenRows.read_flows_by
    monkeypatch.setattr(FrozenRows, "read_flows_by", on_the_last_day)
    assert ["trend", *pictures()] == usual


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_nation_has_a_report_with_its_branches(language: str, connection: Connection) -> None:
    report = compose_report(connection, find_edition(connection, parse_quarter("2025Q3")), "*", language)  # type: ignore[arg-type]
    branches = next(section for section in report.sections if section.key == "branches")
    assert [row[1] for row in branches.tables[0].rows] == ["96"]


def test_a_quarter_that_is_not_published_has_no_report(
    published: Warehouse, connection: Connection, tmp_path: Path
) -> None:
    with pytest.raises(QuarterError, match="2025Q2 is not published"):
        write_reports(published, "2025Q2", "96", tmp_path)
    with pytest.raises(QuarterError, match="no figures of branch 79"):
        compose_report(connection, find_edition(connection, parse_quarter("2025Q3")), "79", "vi")
