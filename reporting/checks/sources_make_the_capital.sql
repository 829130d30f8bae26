-- A branch's capital by source sums to its mix, tier by tier, and the tiers to the whole.
with sources as (
    select
        branch_code, sum(balance_vnd) as capital_total_vnd,
        coalesce(sum(balance_vnd) filter (where tier = 'central'), 0) as central_vnd,
        coalesce(sum(balance_vnd) filter (where tier = 'mobilised'), 0) as mobilised_vnd,
        coalesce(sum(balance_vnd) filter (where tier = 'local'), 0) as local_vnd
    from quarters.capital_sources where quarter_code = {code} and version = {version}
    group by branch_code
),

mix as (
    select * from quarters.capital_mix where quarter_code = {code} and version = {version}
)

select
    coalesce(m.branch_code, s.branch_code) as branch_code,
    format('%s is %s in the mix and %s by source', t.measure, t.mixed, t.summed) as message
from mix as m
full outer join sources as s on m.branch_code = s.branch_code
cross join lateral (
    values
    ('capital_total_vnd', m.capital_total_vnd, s.capital_total_vnd), ('central_vnd', m.central_vnd, s.central_vnd),
    ('mobilised_vnd', m.mobilised_vnd, s.mobilised_vnd), ('local_vnd', m.local_vnd, s.local_vnd),
    ('the sum of the tiers', m.central_vnd + m.mobilised_vnd + m.local_vnd, s.capital_total_vnd)
) as t (measure, mixed, summed)
where coalesce(t.mixed, 0) <> coalesce(t.summed, 0)
