-- The bank's first equation, in every row of the balances.
select *
from {{ candidates(ref('mart_loan_balances')) }} as balances
where outstanding_vnd <> in_term_vnd + overdue_vnd + frozen_vnd
