-- What is more than 180 days late is more than 90 days late, and so on down to the whole outstanding.
select *
from {{ candidates(ref('mart_loan_balances')) }} as balances
where not (0 <= par180_vnd and par180_vnd <= par90_vnd and par90_vnd <= par30_vnd and par30_vnd <= par1_vnd and par1_vnd <= outstanding_vnd)
