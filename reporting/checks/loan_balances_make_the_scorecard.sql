-- A branch's loan balances sum to its scorecard, measure by measure.
with balances as (
    select
        branch_code, sum(loans) as loans, sum(in_term_vnd) as in_term_vnd, sum(overdue_vnd) as overdue_vnd,
        sum(frozen_vnd) as frozen_vnd, sum(outstanding_vnd) as outstanding_vnd
    from quarters.loan_balances where quarter_code = {code} and version = {version}
    group by branch_code
),

scorecard as (
    select * from quarters.branch_scorecard where quarter_code = {code} and version = {version}
)

select
    coalesce(s.branch_code, b.branch_code) as branch_code,
    format('%s is %s in the scorecard and %s in the loan balances', m.measure, m.scored, m.summed) as message
from scorecard as s
full outer join balances as b on s.branch_code = b.branch_code
cross join lateral (
    values
    ('loans', s.loans, b.loans), ('in_term_vnd', s.in_term_vnd, b.in_term_vnd),
    ('overdue_vnd', s.overdue_vnd, b.overdue_vnd), ('frozen_vnd', s.frozen_vnd, b.frozen_vnd),
    ('outstanding_vnd', s.outstanding_vnd, b.outstanding_vnd)
) as m (measure, scored, summed)
where coalesce(m.scored, 0) <> coalesce(m.summed, 0) or s.branch_code is null
