"""Which frozen version a report is of, and which earlier ones it may be compared with.

Earlier quarters count as they stood when the version was published, so what is published later changes no report.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from reporting.quarter import Quarter, QuarterError
from warehouse.connect import Connection


@dataclass(frozen=True)
class Edition:
    """A published version of a quarter. `published_at` and `approved_by` are those of its log."""

    quarter: Quarter
    version: int
    as_of: dt.date
    published_at: dt.datetime
    approved_by: str
    content_sha256: str
    entry_no: int
    inputs: dict[str, Any]

    @property
    def key(self) -> tuple[str, int]:
        """Quarter code and version: the tags of its frozen rows."""
        return self.quarter.code, self.version


EDITIONS = """
    select p.quarter_code, p.version, p.as_of, p.at, a.by, p.content_sha256, p.entry_no, d.inputs
    from quarters.quarter_close as p
    inner join quarters.quarter_close as a on (p.quarter_code, p.version) = (a.quarter_code, a.version) and a.status = 'approved'
    inner join quarters.quarter_close as d on (p.quarter_code, p.version) = (d.quarter_code, d.version) and d.status = 'draft'
    where p.status = 'published'
"""


def find_edition(connection: Connection, quarter: Quarter, version: int | None = None) -> Edition:
    """Return the newest published version of a quarter, or the one asked for; raise QuarterError where there is none."""
    row = connection.execute(
        EDITIONS
        + " and p.quarter_code = %s and (%s::integer is null or p.version = %s) order by p.version desc limit 1",
        [quarter.code, version, version],
    ).fetchone()
    if row is None:
        wanted = f"version {version} of {quarter.code}" if version else quarter.code
        raise QuarterError(
            f"{wanted} is not published: a report shows published figures only",
            remedy=f"`python -m pipeline quarter list {quarter.code}` shows its versions.",
        )
    return _edition(row)


def find_earlier_editions(connection: Connection, edition: Edition) -> list[Edition]:
    """Return of each earlier quarter the version that was current when `edition` was published, oldest first."""
    cursor = connection.execute(
        "select distinct on (quarter_code) e.* from (" + EDITIONS + ") as e "
        "where e.quarter_code < %s and e.entry_no < %s order by e.quarter_code, e.entry_no desc",
        [edition.quarter.code, edition.entry_no],
    )
    return [_edition(row) for row in cursor]


def find_previous_version(connection: Connection, edition: Edition) -> Edition | None:
    """Return the version that `edition` took the place of, None for the first one."""
    row = connection.execute(
        EDITIONS + " and p.quarter_code = %s and p.version < %s order by p.version desc limit 1",
        [edition.quarter.code, edition.version],
    ).fetchone()
    return None if row is None else _edition(row)


def _edition(row: tuple[Any, ...]) -> Edition:
    return Edition(Quarter(int(row[0][:4]), int(row[0][-1])), *row[1:])
