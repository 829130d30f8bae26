-- A branch whose last day is provisional is marked so in every table of states.
select
    r.branch_code,
    'some of its tables say that it is provisional, some do not' as message
from (
    select branch_code, is_provisional from quarters.loan_balances
    where quarter_code = {code} and version = {version}
    union
    select branch_code, is_provisional from quarters.branch_scorecard
    where quarter_code = {code} and version = {version}
    union
    select branch_code, is_provisional from quarters.capital_mix
    where quarter_code = {code} and version = {version}
) as r
group by r.branch_code
having count(distinct r.is_provisional) > 1
