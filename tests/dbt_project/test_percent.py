"""Ratios are rounded once, whoever computes them: the marts, the frozen quarters and the board report, against fractions."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import jinja2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.transform import PROJECT
from reporting.board_report import figures
from warehouse.connect import Connection, Warehouse

MACRO = jinja2.Template((PROJECT / "macros" / "measures.sql").read_text()).module.percent("part", "whole")  # type: ignore[attr-defined]
IN_SQL = {"marts": str(MACRO), "quarters": "quarters.percent(part, whole)"}
EXAMPLES = {
    # 79.48717949999999989743...: the sixteen digits that a division has would be 79.487179500000.
    ("794871795031", "1000000000039"): "79.487179",
    ("-794871795031", "1000000000039"): "-79.487179",
    # Exactly on the half, which goes away from zero as it does in Decimal and in round().
    ("1", "200000000"): "0.000001",
    ("-1", "200000000"): "-0.000001",
    ("3", "200000000"): "0.000002",
    ("-3", "200000000"): "-0.000002",
    ("1", "-200000000"): "-0.000001",
    # Targets have decimals, on both sides of the line.
    ("0.0001", "20000"): "0.000001",
    ("0.0001", "20000.0001"): "0.000000",
    ("0.16", "0.55"): "29.090909",
    ("0", "7"): "0.000000",
    ("9223372036854775807", "1"): "922337203685477580700.000000",
}


def exact(part: Decimal, whole: Decimal) -> str | None:
    """Percent with six decimals as text, the half away from zero: by whole numbers alone."""
    if not whole:
        return None
    ratio = Fraction(part) / Fraction(whole) * 10**8
    millionths = (2 * abs(ratio.numerator) + ratio.denominator) // (2 * ratio.denominator)
    sign = "-" if ratio < 0 and millionths else ""
    return f"{sign}{millionths // 10**6}.{millionths % 10**6:06}"


def ask(connection: Connection, expression: str, pairs: list[tuple[Decimal, Decimal]]) -> list[str | None]:
    """What a computation in SQL says of each pair, as text."""
    parts, wholes = zip(*pairs, strict=True)
    rows = connection.execute(
        f"select ({expression})::text from unnest(%s::numeric[], %s::numeric[]) with ordinality as t (part, whole, n) "  # type: ignore[arg-type]
        "order by n",
        [list(parts), list(wholes)],
    )
    return [row[0] for row in rows]


@st.composite
def beside_a_half(draw: st.DrawFn) -> tuple[Decimal, Decimal]:
    """The nearest parts of a whole on both sides of a half of the last decimal: where a second rounding errs."""
    whole = draw(st.integers(1, 10**18))
    half = 2 * draw(st.integers(0, 10**8)) + 1
    part = half * whole // (2 * 10**8) + draw(st.sampled_from([0, 1]))
    places = draw(st.sampled_from([0, 0, 2, 4]))
    return Decimal(draw(st.sampled_from([1, -1])) * part).scaleb(-places), Decimal(whole).scaleb(-places)


BIGINTS = st.integers(-(2**63), 2**63 - 1).map(Decimal)
TARGETS = st.decimals(-(10**14), 10**14, places=4)
PAIRS = st.one_of(beside_a_half(), st.tuples(BIGINTS, BIGINTS), st.tuples(BIGINTS, TARGETS), st.tuples(TARGETS, TARGETS))


@pytest.mark.parametrize("where", IN_SQL)
def test_a_ratio_is_rounded_once_and_the_half_goes_away_from_zero(warehouse: Warehouse, where: str) -> None:
    pairs = [(Decimal(part), Decimal(whole)) for part, whole in EXAMPLES]
    with warehouse.connect("quarter_keeper") as connection:
        assert ask(connection, IN_SQL[where], pairs) == list(EXAMPLES.values())
        assert ask(connection, IN_SQL[where], [(Decimal(7), Decimal(0))]) == [None]
    assert [exact(*pair) for pair in pairs] == list(EXAMPLES.values())


@pytest.mark.parametrize("where", IN_SQL)
def test_every_ratio_in_the_database_is_the_fraction_rounded_once(warehouse: Warehouse, where: str) -> None:
    with warehouse.connect("quarter_keeper", autocommit=True) as connection:

        @settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(PAIRS, min_size=1, max_size=50))
        def compare(pairs: list[tuple[Decimal, Decimal]]) -> None:
            assert ask(connection, IN_SQL[where], pairs) == [exact(*pair) for pair in pairs]

        compare()


@settings(deadline=None, database=None)
@given(st.one_of(beside_a_half(), st.tuples(BIGINTS, BIGINTS)).filter(lambda pair: all(v == int(v) for v in pair)))
def test_every_ratio_of_the_report_is_the_fraction_rounded_once(pair: tuple[Decimal, Decimal]) -> None:
    found = figures.percent(int(pair[0]), int(pair[1]))
    assert (None if found is None else f"{found:f}") == exact(*pair)
