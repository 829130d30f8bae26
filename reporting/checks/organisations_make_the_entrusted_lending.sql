-- Outstanding and overdue by organisation are what the loan balances say.
with balances as (
    select branch_code, organisation_code, sum(outstanding_vnd) as outstanding_vnd, sum(overdue_vnd) as overdue_vnd
    from quarters.loan_balances where quarter_code = {code} and version = {version}
    group by branch_code, organisation_code
)

select
    o.branch_code,
    format('%s of %s is %s by organisation and %s in the loan balances', m.measure, o.organisation_code, m.stated, m.summed) as message
from quarters.organisations as o
left join balances as b on o.branch_code = b.branch_code and o.organisation_code = b.organisation_code
cross join lateral (
    values ('outstanding_vnd', o.outstanding_vnd, b.outstanding_vnd), ('overdue_vnd', o.overdue_vnd, b.overdue_vnd)
) as m (measure, stated, summed)
where o.quarter_code = {code} and o.version = {version} and m.stated <> coalesce(m.summed, 0)
