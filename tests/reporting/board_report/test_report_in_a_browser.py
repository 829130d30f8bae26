"""The page in a real browser: at desk and at phone width nothing is wider than the window, and every picture is there."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reporting.board_report import Files
from tests.reporting.board_report.board_marts import MEETINGS

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--virtual-time-budget=5000", "--dump-dom")  # fmt: skip

# The page stands in a frame of the width asked for: windows cannot be as narrow as a phone.
MEASURE = """<!doctype html><body><iframe id="frame" style="border:0;width:{width}px;height:800px" srcdoc="{page}"></iframe><script>
const frame = document.getElementById("frame");
frame.onload = () => frame.contentDocument.fonts.ready.then(() => {{
  const page = frame.contentDocument, root = page.documentElement;
  const wide = [...page.body.querySelectorAll("*")].filter(e => (e.getBoundingClientRect().right > {width} + 0.5
    || (e.clientWidth && e.scrollWidth > e.clientWidth + 1))
    && getComputedStyle(e).position !== "absolute" && !e.closest("thead"));
  const result = {{
    width: root.scrollWidth, wide: wide.slice(0, 5).map(e => e.tagName + " " + e.textContent.trim().slice(0, 40)),
    blank: [...page.images].filter(i => !i.naturalWidth).length, images: page.images.length,
    faces: [...page.fonts].filter(f => f.status === "loaded").length,
    small: [...page.querySelectorAll("td, p, dd, a")].filter(e => parseFloat(getComputedStyle(e).fontSize) < 12).length,
  }};
  document.body.innerHTML = "<pre>" + JSON.stringify(result) + "</pre>";
}});
</script></body>"""


@pytest.fixture(scope="module")
def browser() -> str:
    """The path of a browser; without one the tests are skipped, which fails where CI is set."""
    for name in BROWSERS:
        if path := shutil.which(name):
            return path
    if os.environ.get("CI") == "true":
        pytest.fail("CI has no browser: install chromium")
    pytest.skip("NO BROWSER: the report was not looked at; install chromium")


def measure(browser: str, page: bytes, width: int, folder: Path) -> dict[str, Any]:
    """Lay the page out at a width and return what the browser measured."""
    # The page forbids scripts, and the frame's own measuring is one.
    body = re.sub(r"<meta http-equiv[^>]+>", "", page.decode())
    path = folder / "measure.html"
    path.write_text(MEASURE.format(width=width, page=html.escape(body)), encoding="utf-8")
    command = [browser, *FLAGS, f"--user-data-dir={folder / 'profile'}", path.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    found = re.search(r"<pre>(.*)</pre>", done.stdout.decode(), re.S)
    assert found, done.stdout[-300:]
    result: dict[str, Any] = json.loads(html.unescape(found[1]))
    return result


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("code", MEETINGS)
def test_nothing_is_wider_than_the_window(
    code: str, width: int, reports: dict[str, Files], browser: str, tmp_path: Path
) -> None:
    found = measure(browser, reports[code].html, width, tmp_path)
    assert found["width"] <= width
    assert found["wide"] == []
    assert (found["blank"], found["faces"], found["small"]) == (0, 2, 0)
    assert found["images"] >= 5


@pytest.mark.browser
def test_a_word_that_does_not_fit_is_noticed(reports: dict[str, Files], browser: str, tmp_path: Path) -> None:
    page = reports["2025Q3"].html.replace(b"</main>", b"<p style='white-space:nowrap'>" + b"x" * 300 + b"</p></main>")
    found = measure(browser, page, 390, tmp_path)
    assert found["width"] > 390
    assert found["wide"]
