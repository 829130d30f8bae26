-- Central + mobilised + local is all capital; what is not lent of local money is idle.
select *
from {{ candidates(ref('mart_capital_mix')) }} as mix
where
    capital_total_vnd <> central_vnd + mobilised_vnd + local_vnd
    or local_idle_vnd <> local_vnd - local_outstanding_vnd
    or (capital_total_vnd = 0) <> (local_share_of_capital_pct is null)
