-- What is more than 180 days late is more than 90 days late, and so on down to the whole outstanding.
select *
from {{ candidates(ref('mart_loan_balances')) }} as balances
where
    par180_vnd < 0
    or par180_vnd > par90_vnd
    or par90_vnd > par30_vnd
    or par30_vnd > par1_vnd
    or par1_vnd > outstanding_vnd
