-- A branch's overdue and frozen debt by band sum to its scorecard.
with debt as (
    select branch_code, sum(overdue_vnd) as overdue_vnd, sum(frozen_vnd) as frozen_vnd
    from quarters.overdue_debt where quarter_code = {code} and version = {version}
    group by branch_code
),

scorecard as (
    select * from quarters.branch_scorecard where quarter_code = {code} and version = {version}
)

select
    coalesce(s.branch_code, d.branch_code) as branch_code,
    format('%s is %s in the scorecard and %s in the overdue debt by band', m.measure, m.scored, m.summed) as message
from scorecard as s
full outer join debt as d on s.branch_code = d.branch_code
cross join lateral (
    values ('overdue_vnd', s.overdue_vnd, d.overdue_vnd), ('frozen_vnd', s.frozen_vnd, d.frozen_vnd)
) as m (measure, scored, summed)
where coalesce(m.scored, 0) <> coalesce(m.summed, 0)
