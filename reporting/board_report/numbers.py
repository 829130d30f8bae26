"""Numbers and dates as a Vietnamese or an English reader writes them; rounded half up."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from reporting.board_report.model import Kind, Measure, Value
from reporting.board_report.suppression import Hidden

Language = Literal["vi", "en"]
SPACE = "\u00a0"
MINUS = "\u2212"
NOTHING = "–"
SUPPRESSED = "•"
BILLION, MILLION = 10**9, 10**6
UNITS = {"vi": ("tỷ đồng", "triệu đồng"), "en": ("bn VND", "m VND")}


def write_number(number: int | Decimal, places: int, language: Language) -> str:
    """Write a number with `places` decimals: 3.619,1 in Vietnamese, 3,619.1 in English."""
    rounded = Decimal(number).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    text = f"{abs(rounded):,.{places}f}"
    if language == "vi":
        text = text.translate(str.maketrans(",.", ".,"))
    return f"{MINUS}{text}" if rounded < 0 else text


def write_date(day: dt.date, language: Language) -> str:
    """Write a date: 30/09/2025 in Vietnamese, 30 September 2025 in English."""
    return f"{day:%d/%m/%Y}" if language == "vi" else f"{day.day} {MONTHS[day.month - 1]} {day.year}"


MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December")  # fmt: skip


def write_value(value: Value, kind: Kind, language: Language) -> str:
    """Write a cell of a table: money to the đồng, percent with two decimals."""
    match value:
        case Hidden():
            text = SUPPRESSED
        case None:
            text = NOTHING
        case Measure():
            text = _write_measure(value, language)
        case dt.date():
            text = write_date(value, language)
        case str():
            text = value
        case _:
            text = write_number(value, PLACES.get(kind, 0), language) + (f"{SPACE}×" if kind == "times" else "")
    return text


PLACES: dict[Kind, int] = {"pct": 2, "times": 1}


def _write_measure(measure: Measure, language: Language) -> str:
    text = write_value(measure.value, measure.kind, language)
    units: dict[Kind, str] = {"vnd": "đồng" if language == "vi" else "VND", "pct": "%"}
    unit = units.get(measure.kind) if measure.has_unit else None
    return f"{text}{SPACE}{unit}" if unit else text


def write_headline(value: Value, kind: Kind, language: Language) -> str:
    """Write a headline figure with its unit: money in billions with one decimal, below a billion in millions."""
    if kind == "vnd" and isinstance(value, int | Decimal):
        return write_money(value, language)
    text = write_value(value, kind, language)
    return f"{text}{SPACE}%" if kind == "pct" and isinstance(value, int | Decimal) else text


def write_money(value: int | Decimal, language: Language) -> str:
    """Write đồng in billions, or in millions below one billion, with one decimal and the unit."""
    billions, millions = UNITS[language]
    size = abs(Decimal(value))
    if 0 < size < BILLION:
        return f"{write_number(Decimal(value) / MILLION, 1, language)}{SPACE}{millions}"
    return f"{write_number(Decimal(value) / BILLION, 1, language)}{SPACE}{billions}"
