"""Small cells: what could tell of fewer than five customers is not shown, nor what it could be computed from.

Law 91/2025/QH15 and Decree 117/2018 (domain.md, Law). Where frozen rows count loans and not customers, two loans a
customer are assumed: fewer than ten loans may be fewer than five customers.
"""

from __future__ import annotations

from collections.abc import Sequence

CUSTOMERS_AT_LEAST = 5
LOANS_AT_LEAST = 2 * CUSTOMERS_AT_LEAST


class Hidden:
    """The value of a suppressed cell."""

    def __repr__(self) -> str:
        return "HIDDEN"


HIDDEN = Hidden()


def find_small(counts: Sequence[int], at_least: int, *, has_total: bool = True) -> set[int]:
    """Return the places of `counts` that are not to be shown; a count of 0 tells of nobody and is shown.

    Beside a total, what is hidden must amount to `at_least` and be two cells or more, else it could be subtracted:
    the next smallest are hidden with it.
    """
    small = {place for place, count in enumerate(counts) if 0 < count < at_least}
    if not small or not has_total:
        return small
    others = sorted((count, place) for place, count in enumerate(counts) if count >= at_least)
    while others and (len(small) < 2 or sum(counts[place] for place in small) < at_least):
        small.add(others.pop(0)[1])
    return small
