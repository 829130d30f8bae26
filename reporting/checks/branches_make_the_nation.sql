-- The national scorecard is the sum of the branches (law 9), also where a branch is missing.
with branches as (
    select
        count(*) as branches_delivered, sum(loans) as loans, sum(in_term_vnd) as in_term_vnd,
        sum(overdue_vnd) as overdue_vnd, sum(frozen_vnd) as frozen_vnd, sum(outstanding_vnd) as outstanding_vnd,
        sum(absconded_cases) as absconded_cases, sum(groups) as groups, sum(offices_delivered) as offices_delivered,
        sum(offices_expected) as offices_expected
    from quarters.branch_scorecard where quarter_code = {code} and version = {version}
),

nation as (
    select * from quarters.national_scorecard where quarter_code = {code} and version = {version}
)

select
    null as branch_code,
    format('%s of the nation is %s, its branches make %s', m.measure, m.stated, m.summed) as message
from branches as b
left join nation as n on true
cross join lateral (
    values
    ('branches_delivered', n.branches_delivered, b.branches_delivered), ('loans', n.loans, b.loans),
    ('in_term_vnd', n.in_term_vnd, b.in_term_vnd), ('overdue_vnd', n.overdue_vnd, b.overdue_vnd),
    ('frozen_vnd', n.frozen_vnd, b.frozen_vnd), ('outstanding_vnd', n.outstanding_vnd, b.outstanding_vnd),
    ('absconded_cases', n.absconded_cases, b.absconded_cases), ('groups', n.groups, b.groups),
    ('offices_delivered', n.offices_delivered, b.offices_delivered),
    ('offices_expected', n.offices_expected, b.offices_expected)
) as m (measure, stated, summed)
where coalesce(m.stated, -1) <> coalesce(m.summed, 0)
