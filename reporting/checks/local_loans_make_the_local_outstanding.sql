-- What is lent of local money in the mix is what the loan balances say.
with balances as (
    select branch_code, sum(outstanding_vnd) filter (where source_code like 'DP%') as local_outstanding_vnd
    from quarters.loan_balances where quarter_code = {code} and version = {version}
    group by branch_code
)

select
    m.branch_code,
    format(
        'local_outstanding_vnd is %s in the mix and %s in the loan balances', m.local_outstanding_vnd,
        coalesce(b.local_outstanding_vnd, 0)
    ) as message
from quarters.capital_mix as m
left join balances as b on m.branch_code = b.branch_code
where
    m.quarter_code = {code} and m.version = {version}
    and m.local_outstanding_vnd <> coalesce(b.local_outstanding_vnd, 0)
