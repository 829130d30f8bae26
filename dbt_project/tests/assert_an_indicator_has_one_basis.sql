-- A benchmark's indicator names its basis: whoever compares by indicator never meets a figure of another one.
select
    indicator,
    count(distinct basis) as bases,
    count(distinct unit) as units
from {{ candidates(ref('mart_benchmarks')) }} as candidates
group by indicator
having
    count(distinct basis) <> 1
    or count(distinct unit) <> 1
    or bool_or(basis not in ('overdue', 'overdue_frozen', 'capital', 'outstanding'))
    or bool_or(unit <> case when indicator like '%\_pct' then 'pct' else 'vnd' end)
