"""The status page in a real browser, at desk and at phone width: for the night of four, and for a nation of 34 by 30."""

from __future__ import annotations

import datetime as dt
import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ingestion.feedback import write_feedback
from pipeline.board_model import Board, Branch, Cell
from pipeline.status_page import refresh_status_page, render_pages
from tests.operating.conftest import MORNING, NIGHT
from warehouse.connect import Warehouse

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--virtual-time-budget=5000", "--dump-dom")  # fmt: skip

# The page stands in a frame of the width asked for: windows cannot be as narrow as a phone. The board may be wider: it
# scrolls in a part of its own.
MEASURE = """<!doctype html><body><iframe id="frame" style="border:0;width:{width}px;height:800px" srcdoc="{page}"></iframe><script>
const frame = document.getElementById("frame");
frame.onload = () => {{
  const page = frame.contentDocument, root = page.documentElement;
  const seen = e => e.getClientRects().length > 0;
  const colour = e => getComputedStyle(e).backgroundColor;
  const result = {{
    width: root.scrollWidth,
    wide: [...page.body.querySelectorAll("*")].filter(e => seen(e) && !e.closest(".scroll") && !e.closest("thead")
      && !e.closest("pre") && e.getBoundingClientRect().right > {width} + 0.5).map(e => e.tagName + " " + e.textContent.trim().slice(0, 40)).slice(0, 5),
    verdict: page.querySelector("#verdict") && page.querySelector("#verdict").innerText,
    verdict_bottom: page.querySelector("#verdict") && page.querySelector("#verdict").getBoundingClientRect().bottom,
    todo: [...page.querySelectorAll("#todo .who a")].map(e => e.innerText),
    runbooks: [...page.querySelectorAll("#todo .what a")].map(e => e.getAttribute("href")),
    cells: [...page.querySelectorAll("#board td a")].filter(seen).length,
    rows: page.querySelectorAll("#board tbody tr").length,
    colours: Object.fromEntries([...page.querySelectorAll("#board td a")].map(e => [e.className.split(" ")[0], colour(e)])),
    overlapping: [...page.querySelectorAll("#board tbody tr")].filter(r => r.cells[1].firstElementChild
      && r.cells[1].firstElementChild.getBoundingClientRect().left < r.cells[0].getBoundingClientRect().right - 12).length,
    small: [...page.querySelectorAll("td, p, li, a")].filter(e => seen(e) && parseFloat(getComputedStyle(e).fontSize) < 12).length,
    narrow: [...page.querySelectorAll("td code")].filter(e => seen(e) && e.innerText.length > 8
      && e.getBoundingClientRect().width < 80).map(e => e.innerText),
    scripts: page.scripts.length, loaded: page.querySelectorAll("link, img, script").length,
  }};
  document.body.innerHTML = "<pre>" + JSON.stringify(result).replace(/&/g, "&amp;").replace(/</g, "&lt;") + "</pre>";
}};
</script></body>"""


@pytest.fixture(scope="module")
def browser() -> str:
    """The path of a browser; without one the tests are skipped, which fails where CI is set."""
    for name in BROWSERS:
        if path := shutil.which(name):
            return path
    if os.environ.get("CI") == "true":
        pytest.fail("CI has no browser: install chromium")
    pytest.skip("NO BROWSER: the status page was not looked at; install chromium")


@pytest.fixture(scope="module")
def index(morning: Warehouse) -> str:
    return refresh_status_page(morning, MORNING).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def nation() -> str:
    """34 branches by 30 dates, in every state there is."""
    states = (
        "published",
        "published",
        "published_with_warnings",
        "provisional",
        "held",
        "refused",
        "missing",
        "covered",
    )
    dates = [NIGHT - dt.timedelta(days=days) for days in range(30)]
    branches = [
        Branch(f"{number:02}", f"{number:02} Tỉnh Thừa Thiên {number}", {
            date: Cell(states[(number * place + number // 5) % len(states)], f"{number:02}", date, 1 + number % 3, 1, MORNING,
                       dt.timedelta(hours=1) if place % 7 == 3 else None, 1_234_567, 1, 2, 12.5, "Because of something. " * 4)
            for place, date in enumerate(dates)
        })
        for number in range(1, 35)
    ]  # fmt: skip
    board = Board(MORNING, dates, branches, [], [], [], MORNING, True, 0)
    return render_pages(board, Path("/nowhere"), lambda _: None)["index.html"]


def measure(browser: str, page: str, width: int, folder: Path) -> dict[str, Any]:
    """Lay the page out at a width and return what the browser measured."""
    # The page forbids scripts, and the frame's own measuring is one.
    body = re.sub(r"<meta http-equiv[^>]+>", "", page)
    path = folder / "measure.html"
    path.write_text(MEASURE.format(width=width, page=html.escape(body)), encoding="utf-8")
    command = [browser, *FLAGS, f"--user-data-dir={folder / 'profile'}", path.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    found = re.search(r"<pre>(\{.*)</pre>", done.stdout.decode(), re.S)
    assert found, done.stdout[-300:]
    result: dict[str, Any] = json.loads(html.unescape(html.unescape(found[1])))
    return result


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_the_night_is_read_at_one_glance(index: str, browser: str, width: int, tmp_path: Path) -> None:
    found = measure(browser, index, width, tmp_path)
    assert found["width"] <= width
    assert found["wide"] == []
    assert "The night was not good" in found["verdict"]
    assert "2 published, 1 held, 1 refused, 1 missing, 1 late" in found["verdict"]
    # Without scrolling, also on a phone.
    assert found["verdict_bottom"] < 400
    assert found["todo"] == ["01 Hà Nội", "11 Điện Biên", "24 Bắc Ninh"]
    assert found["runbooks"] == [f"runbooks/{name}.html" for name in ("held-delivery", "held-delivery", "late-branch")]
    assert len({found["colours"][state] for state in ("published", "held", "covered")}) == 3
    assert (found["small"], found["loaded"], found["overlapping"]) == (0, 0, 0)


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_a_nation_of_thirty_nights_fits(nation: str, browser: str, width: int, tmp_path: Path) -> None:
    found = measure(browser, nation, width, tmp_path)
    assert found["width"] <= width
    assert found["wide"] == []
    assert (found["rows"], found["cells"]) == (34, 34 * 30)
    assert (found["small"], found["overlapping"]) == (0, 0)


@pytest.mark.browser
def test_the_path_of_a_wrongly_named_folder_fits_a_phone(browser: str, tmp_path: Path) -> None:
    stranger = (f"/srv/{'kho_du_lieu_' * 8}/landing/58/2025-09-30/r1", "No branch has the code 58 on 2025-09-30.")
    board = Board(MORNING, [NIGHT], [], [], [stranger], [], MORNING, True, 0)
    found = measure(browser, render_pages(board, Path("/nowhere"), lambda _: None)["index.html"], 390, tmp_path)
    assert (found["width"] <= 390, found["wide"]) == (True, [])


@pytest.mark.browser
def test_rules_and_values_of_a_feedback_are_words_on_a_phone(browser: str, tmp_path: Path) -> None:
    told = {"dataset": "loan_book", "row": 1, "column": "disbursed_on", "rule": "constraint-error", "severity": "error",
            "value": "01/03/2022", "message": "This is not a date: write a day that exists as YYYY-MM-DD."}  # fmt: skip
    write_feedback(tmp_path, "Branch 04", "held", "1 finding(s) hold the delivery.", [told])
    found = measure(browser, (tmp_path / "feedback.html").read_text(encoding="utf-8"), 390, tmp_path)
    assert (found["width"] <= 390, found["narrow"]) == (True, [])


@pytest.mark.browser
def test_a_word_that_does_not_fit_is_noticed(index: str, browser: str, tmp_path: Path) -> None:
    page = index.replace("</main>", "<p style='white-space:nowrap'>" + "x" * 300 + "</p></main>")
    assert measure(browser, page, 390, tmp_path)["width"] > 390


@pytest.mark.browser
def test_details_of_a_held_delivery_fit_a_phone(index: str, morning: Warehouse, browser: str, tmp_path: Path) -> None:
    assert index
    page = (morning.settings.home / "status/branches/01.html").read_text(encoding="utf-8")
    assert "ledger-tie-out" in page
    assert "feedback.html" in page
    found = measure(browser, page, 390, tmp_path)
    assert (found["width"] <= 390, found["wide"]) == (True, [])
