-- The quarter's flows by value date, of a branch and those merged into it, sum to the turnover of its scorecard.
with flows as (
    select f.head_code, sum(l.disbursed_vnd) as disbursed_vnd, sum(l.collected_vnd) as collected_vnd
    from quarters.lending_flows as l
    inner join quarters.families_of({code}) as f on l.branch_code = f.branch_code and l.business_date between f.valid_from and f.valid_to
    where l.quarter_code = {code} and l.version = {version}
    group by f.head_code
)

select
    s.branch_code,
    format('%s is %s in the scorecard and %s in the flows', m.measure, m.scored, m.summed) as message
from quarters.branch_scorecard as s
left join flows as f on s.branch_code = f.head_code
cross join lateral (
    values
    ('disbursed_qtd_vnd', s.disbursed_qtd_vnd, f.disbursed_vnd), ('collected_qtd_vnd', s.collected_qtd_vnd, f.collected_vnd)
) as m (measure, scored, summed)
where s.quarter_code = {code} and s.version = {version} and m.scored <> coalesce(m.summed, 0)
