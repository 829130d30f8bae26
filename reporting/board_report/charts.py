"""The pictures of the report: SVG with text as outlines, so that every letter looks alike everywhere, and no clock in it.

All are drawn for the width of a phone; page and paper set two beside each other.
"""

from __future__ import annotations

import datetime as dt
import functools
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from reporting.board_report import fonts
from reporting.board_report.numbers import Language, write_number

INK, MUTED, GRID = "#1d2733", "#5b6775", "#dfe4ea"
BLUE, PALE, RED, GOLD, GREEN = "#1f4e79", "#9fb8d1", "#b03a2e", "#c58b1b", "#3c7a57"
WIDTH = 4.6
"""Inches: of a picture, at 72 points each."""

STYLE: dict[Any, Any] = {
    "font.family": fonts.FAMILY, "font.size": 10, "svg.fonttype": "path", "svg.hashsalt": "board report",
    "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False, "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED, "xtick.color": MUTED, "ytick.color": INK, "text.color": INK, "ytick.left": False,
    "axes.grid": False, "figure.facecolor": "none", "axes.facecolor": "none",
}  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """A bar with its label; `value` in the unit of the picture."""

    label: str
    value: float
    colour: str = BLUE


def draw_bars(bars: Sequence[Bar], language: Language, places: int = 1) -> bytes:
    """Lying bars, the first on top, each with its number."""
    with _style():
        figure, axes = _open(0.4 + 0.34 * len(bars))
        top = max((bar.value for bar in bars), default=0) or 1
        for place, bar in enumerate(bars):
            axes.barh(place, bar.value, height=0.64, color=bar.colour)
            axes.text(bar.value + top * 0.015, place, _number(bar.value, places, language), va="center", fontsize=9.5)
        axes.set_yticks(range(len(bars)), [_fold(bar.label) for bar in bars], fontsize=9)
        axes.invert_yaxis()
        axes.set_xlim(0, top * 1.2)
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)
        axes.axvline(0, color=MUTED, linewidth=0.8)
        return _close(figure)


def draw_waterfall(steps: Sequence[Bar], language: Language) -> bytes:
    """From the first amount through signed changes to the last; the scale starts near what does not change."""
    with _style():
        figure, axes = _open(2.9)
        levels, ends = [steps[0].value], [steps[0].value]
        for step in steps[1:-1]:
            levels.append(levels[-1] + step.value)
            ends += [levels[-1] - step.value, levels[-1]]
        ends.append(steps[-1].value)
        spread = (max(ends) - min(ends)) or 1
        floor = min(ends) - spread * 0.5
        for place, step in enumerate(steps):
            is_level = place in (0, len(steps) - 1)
            bottom = floor if is_level else min(levels[place], levels[place] - step.value)
            height = step.value - floor if is_level else abs(step.value)
            axes.bar(place, height, bottom=bottom, width=0.62, color=step.colour)
            sign = "+" if step.value > 0 and not is_level else ""
            axes.text(
                place,
                bottom + height + spread * 0.03,
                sign + _number(step.value, 1, language),
                ha="center",
                fontsize=9.5,
            )
            if place < len(steps) - 1:
                level = levels[place]
                axes.plot([place + 0.31, place + 0.69], [level, level], color=MUTED, linewidth=0.8)
        axes.set_xticks(range(len(steps)), [_fold(step.label, 13) for step in steps], color=INK)
        axes.set_ylim(floor, max(ends) + spread * 0.22)
        axes.yaxis.set_visible(False)
        axes.tick_params(axis="x", length=0)
        return _close(figure)


def draw_line(points: Sequence[tuple[dt.date, float]], language: Language) -> bytes:
    """A level by day, with its first and last number."""
    with _style():
        figure, axes = _open(2.6)
        days, values = [point[0] for point in points], [point[1] for point in points]
        axes.step(_numbers(days), values, where="post", color=BLUE, linewidth=1.8)
        spread = (max(values) - min(values)) or 1
        for place, side in ((0, "left"), (-1, "right")):
            axes.plot(_numbers(days)[place], values[place], "o", color=BLUE, markersize=4.5)
            # Above all of the line near it, so that number and line never cross.
            near = [value for day, value in points if abs((day - days[place]).days) * 5 < (days[-1] - days[0]).days]
            axes.annotate(_number(values[place], 1, language), (_numbers(days)[place], max(near)), xytext=(0, 7),
                          textcoords="offset points", ha=side, fontweight=600)  # fmt: skip
        axes.set_ylim(min(values) - spread * 0.15, max(values) + spread * 0.3)
        _mark_levels(axes, language)
        _mark_days(axes, [day for day in days if day.day == 1 or day in (days[0], days[-1])])
        return _close(figure)


def draw_path(
    history: Sequence[tuple[dt.date, float]], target: tuple[dt.date, float], words: tuple[str, str], language: Language
) -> bytes:
    """Where an indicator stands and the straight way to its target; `words` name the way and the target."""
    with _style():
        figure, axes = _open(2.6)
        last = history[-1]
        days, values = [point[0] for point in history], [point[1] for point in history]
        axes.plot(_numbers(days), values, "-o", color=BLUE, linewidth=1.8, markersize=4.5)
        axes.plot(_numbers([last[0], target[0]]), [last[1], target[1]], "--", color=RED, linewidth=1.6)
        axes.plot(_numbers([target[0]]), [target[1]], "D", color=RED, markersize=6)
        axes.annotate(_number(last[1], 2, language), (_numbers([last[0]])[0], last[1]), xytext=(4, 7),
                      textcoords="offset points", fontweight=600)  # fmt: skip
        axes.annotate(words[1], (_numbers([target[0]])[0], target[1]), xytext=(2, -17), textcoords="offset points",
                      ha="right", color=RED, fontweight=600)  # fmt: skip
        middle = (_numbers([last[0]])[0] + _numbers([target[0]])[0]) / 2
        axes.annotate(
            words[0], (middle, (last[1] + target[1]) / 2), xytext=(4, 10), textcoords="offset points", color=MUTED
        )
        top = max([*values, target[1]]) or 1
        axes.set_ylim(0, top * 1.3)
        _mark_levels(axes, language)
        _mark_days(axes, sorted({*days, target[0]}))
        return _close(figure)


def draw_shares(parts: Sequence[Bar], language: Language) -> bytes:
    """One whole as a lying bar of its parts, each with its percentage, and a legend below."""
    with _style():
        figure, axes = _open(0.75 + 0.24 * len(parts))
        whole, start = sum(part.value for part in parts) or 1, 0.0
        for part in parts:
            width = 100 * part.value / whole
            axes.barh(0, width, left=start, height=0.5, color=part.colour, edgecolor="white", linewidth=0.8)
            start += width
        for place, part in enumerate(parts):
            level = -0.75 - 0.5 * place
            axes.plot(1.2, level, "s", color=part.colour, markersize=7, clip_on=False)
            axes.text(4, level, part.label, va="center", fontsize=9.5)
            axes.text(
                100, level, f"{_number(100 * part.value / whole, 2, language)} %", va="center", ha="right", fontsize=9.5
            )
        axes.set_ylim(-0.75 - 0.5 * len(parts) + 0.2, 0.35)
        axes.set_xlim(0, 100)
        axes.axis("off")
        return _close(figure)


@contextmanager
def _style() -> Iterator[None]:
    _add_fonts()
    with mpl.rc_context(STYLE):
        yield


@functools.cache
def _add_fonts() -> None:
    for path in fonts.FILES.values():
        font_manager.fontManager.addfont(str(path))


def _open(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.add_subplot()


def _close(figure: Figure) -> bytes:
    written = io.BytesIO()
    figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return written.getvalue()


def _number(value: float, places: int, language: Language) -> str:
    return write_number(Decimal(str(value)), places, language)


def _numbers(days: Sequence[dt.date]) -> list[float]:
    return [float(day.toordinal()) for day in days]


def _mark_levels(axes: Axes, language: Language) -> None:
    axes.yaxis.set_major_locator(MaxNLocator(4))
    step = axes.get_yticks()
    places = 0 if len(step) > 1 and step[1] - step[0] >= 1 else 1 if step[1] - step[0] >= 0.1 else 2
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _number(value, places, language)))
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)


def _mark_days(axes: Axes, days: Sequence[dt.date]) -> None:
    # Two marks closer than a twentieth of the way would print over each other: the later one stays.
    near = (days[-1] - days[0]).days / 8
    kept = [day for place, day in enumerate(days) if place + 1 == len(days) or (days[place + 1] - day).days > near]
    axes.set_xticks(_numbers(kept), [f"{day:%d/%m/%y}" for day in kept])


def _fold(text: str, width: int = 34) -> str:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + len(word) + 1 > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return "\n".join([*lines, line])
