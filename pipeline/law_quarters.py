"""Laws 6 and 8 as checks: published quarters are as they were published, and succession moves no money."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from reporting.quarter_decide import find_alterations
from reporting.quarter_log import PUBLIC, read_versions
from warehouse.connect import Connection

Lines = Iterator[tuple[str, str | None]]

GUARDS = """
    select
        t.relname,
        case when count(g.tgname) filter (where g.tgenabled in ('O', 'A')) < {wanted} then 'a trigger that guards it is off' end
    from pg_class as t
    left join pg_trigger as g on t.oid = g.tgrelid and g.tgname = any({names})
    where t.relnamespace = 'quarters'::regnamespace and t.relkind = 'r' and (t.relname = 'quarter_close') = {is_log}
    group by t.relname
"""
SUCCESSION = """
    select
        'branch ' || b.branch_code || ' of ' || b.valid_from,
        case when count(f.head_code) <> 1 then count(f.head_code) || ' branches stand in its place today' end
    from meta.branches as b
    left join meta.branch_families as f on b.branch_code = f.branch_code and b.valid_from = f.valid_from and f.is_current
    group by b.branch_code, b.valid_from
"""
TERRITORY = """
    select
        'branch ' || m.branch_code || ' on ' || m.business_date,
        case when m.current_branch_code is distinct from f.head_code
        then 'the mart places it in ' || coalesce(m.current_branch_code, 'no branch') || ', the succession in ' || f.head_code end
    from marts.mart_branch_scorecard as m
    inner join meta.branches as b
        on m.branch_code = b.branch_code and m.business_date between b.valid_from and coalesce(b.valid_to, 'infinity')
    inner join meta.branch_families as f on b.branch_code = f.branch_code and b.valid_from = f.valid_from and f.is_current
"""
TOTALS = """
    select
        'the nation on ' || coalesce(r.business_date, c.business_date),
        case when coalesce(r.outstanding_vnd, 0) <> coalesce(c.outstanding_vnd, 0)
        then 'outstanding is ' || coalesce(r.outstanding_vnd, 0) || ' as reported and ' || coalesce(c.outstanding_vnd, 0)
            || ' on the territory of today' end
    from (
        select s.business_date, sum(s.outstanding_vnd) as outstanding_vnd from marts.mart_branch_scorecard as s group by 1
    ) as r
    full join (
        select l.business_date, sum(l.outstanding_vnd) as outstanding_vnd from marts.mart_loan_balances as l
        where l.current_branch_code is not null and l.current_commune_code is not null group by 1
    ) as c on r.business_date = c.business_date
"""


def published_quarters(connection: Connection) -> Lines:
    """Law 6: the frozen rows of every published version have the checksum with which they were approved."""
    for version in read_versions(connection):
        if version.status in PUBLIC:
            altered = find_alterations(connection, version)
            problem = "; ".join(f"quarters.{name}: {how}" for name, how in altered.items())
            yield version.name, problem or None


def quarter_guards(connection: Connection) -> Lines:
    """Law 6: the triggers that refuse every change are there and on."""
    for is_log, names in ((True, ["keep_order", "only_grows"]), (False, ["no_late_rows", "only_grows"])):
        query = sql.SQL(GUARDS).format(
            wanted=sql.Literal(len(names)), names=sql.Literal(names), is_log=sql.Literal(is_log)
        )
        yield from ((f"quarters.{name}", problem) for name, problem in connection.execute(query).fetchall())


def territories(connection: Connection) -> Lines:
    """Law 8: every branch has one successor today, the marts place it there, and totals are equal on both territories."""
    yield from connection.execute(sql.SQL(SUCCESSION)).fetchall()
    row = connection.execute(
        "select to_regclass('marts.mart_branch_scorecard') is not null and to_regclass('marts.mart_loan_balances') is not null"
    ).fetchone()
    if row and row[0]:
        yield from connection.execute(sql.SQL(TERRITORY)).fetchall()
        yield from connection.execute(sql.SQL(TOTALS)).fetchall()
