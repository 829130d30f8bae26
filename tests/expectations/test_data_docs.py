"""Data Docs: a local site that needs no network, shows no value and is built again only where something changed."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest

from expectations import build_data_docs, data_docs, stored_results, validate
from expectations.run import write_results
from tests.expectations.rows import make_delivery, vary
from warehouse.connect import Warehouse

CANARY = "Nguyễn Thị Hoàng Yến"


@pytest.fixture(scope="module")
def record(warehouse: Warehouse) -> dict[str, Any]:
    """The results of a delivery with one error and one warning."""
    rows = {
        "customers": [vary("customers", hamlet_code=CANARY)],
        "savings_groups": [vary("savings_groups", members=61)],
    }
    return validate(warehouse.url("loader"), make_delivery(warehouse, rows)).results


def of_branch(record: dict[str, Any], branch: str, date: str, delivery_id: int) -> dict[str, Any]:
    """The record as that of another delivery."""
    changed = copy.deepcopy(record)
    changed["delivery"] |= {"branch_code": branch, "business_date": date}
    changed["delivery_id"] = delivery_id
    return changed


def pages(out: Path) -> list[str]:
    """The pages of deliveries in the site."""
    return sorted(str(path.relative_to(out)) for path in out.glob("validations/**/*.html"))


def test_each_delivery_has_a_page_that_the_index_links_to(record: dict[str, Any], tmp_path: Path) -> None:
    index = build_data_docs([record], tmp_path / "site")
    assert index == tmp_path / "site" / "index.html"
    [link] = re.findall(r'href="(validations/[^"]+)"', index.read_text())
    page = (tmp_path / "site" / link).read_text()
    assert "Held: 1 critical expectations failed." in page
    assert "An active group has 5 to 60 members (tổ viên)." in page
    assert (tmp_path / "site" / link / "../../../../../index.html").resolve() == index.resolve()
    assert page.count('class="critical">fails') == 1
    assert page.count('class="warning">fails') == 1


def test_the_site_shows_no_value_and_loads_nothing_from_elsewhere(record: dict[str, Any], tmp_path: Path) -> None:
    build_data_docs([record], tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 3
    for path in files:
        text = path.read_text()
        assert CANARY not in text
        assert "Yến" not in text
        assert not re.search(r"https?://|<script|<link|<img|@import|url\(", text)


def test_fields_that_are_not_known_are_not_shown(record: dict[str, Any], tmp_path: Path) -> None:
    careless = copy.deepcopy(record)
    careless["suites"][0]["expectations"][0]["partial_unexpected_list"] = [CANARY]
    careless["delivery"]["customer"] = CANARY
    build_data_docs([careless], tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and CANARY in path.read_text()]


def test_what_a_message_says_is_not_taken_for_markup(record: dict[str, Any], tmp_path: Path) -> None:
    build_data_docs([record | {"could_not_run": "offices: <script>alert(1)</script>"}], tmp_path)
    [page] = pages(tmp_path)
    assert "&lt;script&gt;" in (tmp_path / page).read_text()
    assert "<script" not in (tmp_path / page).read_text()


def test_what_could_not_run_is_said(warehouse: Warehouse, tmp_path: Path) -> None:
    report = validate(warehouse.url("loader"), make_delivery(warehouse, without="deposits"), store=tmp_path / "store")
    index = build_data_docs(stored_results(tmp_path / "store"), tmp_path / "site")
    [page] = pages(tmp_path / "site")
    assert "Held: not every expectation could be evaluated." in index.read_text()
    assert "Could not run: deposits:" in (tmp_path / "site" / page).read_text()
    assert report.could_not_run


def test_only_what_changed_is_built_again(
    record: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered: list[str] = []
    render = data_docs._render

    def watch(records: Any, out: Path) -> None:
        rendered.extend(records)
        render(records, out)

    monkeypatch.setattr(data_docs, "_render", watch)
    records = [of_branch(record, "96", f"2025-09-0{day}", day) for day in (1, 2, 3)]
    build_data_docs(records, tmp_path)
    assert len(rendered) == 3
    rendered.clear()
    build_data_docs(records, tmp_path)
    assert rendered == []
    records[1]["could_not_run"] = "changed"
    (tmp_path / pages(tmp_path)[2]).unlink()
    build_data_docs(records, tmp_path)
    assert [page.rsplit("/", 1)[1] for page in rendered] == ["d3.html", "d2.html"]


def test_only_the_newest_deliveries_of_each_branch_are_kept(record: dict[str, Any], tmp_path: Path) -> None:
    records = [of_branch(record, branch, f"2025-09-0{day}", day) for branch in ("24", "96") for day in (1, 2, 3)]
    build_data_docs(records, tmp_path)
    assert len(pages(tmp_path)) == 6
    build_data_docs(records, tmp_path, newest=1)
    assert [page.split("/")[1:3] for page in pages(tmp_path)] == [
        [branch, f"2025-09-03-r{record['delivery']['revision']}"] for branch in ("24", "96")
    ]


def test_only_the_newest_stored_results_are_read(record: dict[str, Any], tmp_path: Path) -> None:
    for branch in ("24", "96"):
        for day, revision in ((1, 1), (2, 9), (2, 10), (2, 11)):
            found = of_branch(record, branch, f"2025-09-0{day}", 100 - revision)
            found["delivery"]["revision"] = revision
            write_results(tmp_path, found)
    kept = [(r["delivery"]["branch_code"], r["delivery"]["revision"]) for r in stored_results(tmp_path, newest=3)]
    assert kept == [(branch, revision) for branch in ("24", "96") for revision in (11, 10, 9)]


def test_a_page_that_cannot_be_rendered_is_an_error(
    record: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("expectations.docs_pages.DeliveryRenderer.render", lambda *_: {})
    with pytest.raises(RuntimeError, match="1 pages too few"):
        build_data_docs([record], tmp_path)


def test_an_unknown_delivery_has_no_page(warehouse: Warehouse, tmp_path: Path) -> None:
    index = build_data_docs([validate(warehouse.url("loader"), 10**9).results], tmp_path)
    assert "Nothing has been validated yet." in index.read_text()
