-- The tiers of the mix are sums of the leaves; local lending is the lending of the local leaves.
with leaves as (
    select
        branch_code,
        business_date,
        coalesce(sum(balance_vnd) filter (where tier = 'central'), 0) as central_vnd,
        coalesce(sum(balance_vnd) filter (where tier = 'mobilised'), 0) as mobilised_vnd,
        coalesce(sum(balance_vnd) filter (where tier = 'local'), 0) as local_vnd,
        coalesce(sum(lent_vnd), 0) as local_outstanding_vnd
    from {{ candidates(ref('mart_capital_sources')) }} as candidates
    group by branch_code, business_date
)

select mix.*
from {{ candidates(ref('mart_capital_mix')) }} as mix
inner join leaves on mix.branch_code = leaves.branch_code and mix.business_date = leaves.business_date
where
    mix.central_vnd <> leaves.central_vnd
    or mix.mobilised_vnd <> leaves.mobilised_vnd
    or mix.local_vnd <> leaves.local_vnd
    or mix.local_outstanding_vnd <> leaves.local_outstanding_vnd
