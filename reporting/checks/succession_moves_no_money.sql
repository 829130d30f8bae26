-- Law 8: every row has one place in today's territory, and a branch has the same one in every table.
select
    r.branch_code,
    format('it belongs to %s branches of today', count(distinct coalesce(r.current_branch_code, ''))) as message
from (
    select branch_code, current_branch_code from quarters.loan_balances
    where quarter_code = {code} and version = {version}
    union
    select branch_code, current_branch_code from quarters.branch_scorecard
    where quarter_code = {code} and version = {version}
    union
    select branch_code, current_branch_code from quarters.capital_mix
    where quarter_code = {code} and version = {version}
) as r
group by r.branch_code
having count(distinct coalesce(r.current_branch_code, '')) <> 1 or bool_or(r.current_branch_code is null)
