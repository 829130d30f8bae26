"""The one typeface of page, paper and charts: Source Sans Pro, with every Vietnamese letter; it comes with a package."""

from __future__ import annotations

import base64
import functools
import io
from pathlib import Path

import font_source_sans_pro
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

FAMILY = "Source Sans Pro"
FOLDER = Path(str(font_source_sans_pro.__file__)).parent / "files"
FILES = {400: FOLDER / "SourceSansPro-Regular.ttf", 600: FOLDER / "SourceSansPro-Semibold.ttf"}


def find_missing_letters(text: str) -> set[str]:
    """Return the visible characters of `text` that the typeface cannot show in every weight."""
    return {
        letter for letter in set(text) if letter not in "\n\r\t" and any(ord(letter) not in _letters(w) for w in FILES)
    }


def embed_font(weight: int, text: str) -> str:
    """Return a data address of the typeface (WOFF) reduced to the letters of `text`; the same letters, the same bytes."""
    font = TTFont(FILES[weight], recalcTimestamp=False)
    options = Options()
    options.layout_features = ["kern", "liga", "mark", "mkmk", "ccmp", "locl", "lnum", "tnum"]
    subsetter = Subsetter(options)
    subsetter.populate(text=text)
    subsetter.subset(font)
    font.flavor = "woff"
    written = io.BytesIO()
    font.save(written)
    return "data:font/woff;base64," + base64.b64encode(written.getvalue()).decode()


@functools.cache
def _letters(weight: int) -> frozenset[int]:
    return frozenset(TTFont(FILES[weight]).getBestCmap())
