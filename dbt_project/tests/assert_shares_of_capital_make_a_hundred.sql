-- Shares are rounded to six decimals each, so their sum is a hundred but for as many halves of the last one.
select
    branch_code,
    business_date,
    sum(share_of_capital_pct) as share_of_capital_pct
from {{ candidates(ref('mart_capital_sources')) }} as sources
group by branch_code, business_date
having sum(balance_vnd) <> 0 and abs(sum(share_of_capital_pct) - 100) > 0.0000005 * count(*)
