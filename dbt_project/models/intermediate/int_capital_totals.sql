-- One row a delivery: its capital by tier, and what is lent of local money. Both denominators of the local share.
with balances as (
    select * from {{ ref('int_capital_balances') }}
),

states as (
    select * from {{ ref('int_branch_states') }}
),

tiers as (
    select
        delivery_id,
        sum(balance_vnd)::bigint as capital_total_vnd,
        coalesce(sum(balance_vnd) filter (where tier = 'central'), 0)::bigint as central_vnd,
        coalesce(sum(balance_vnd) filter (where tier = 'mobilised'), 0)::bigint as mobilised_vnd,
        coalesce(sum(balance_vnd) filter (where tier = 'local'), 0)::bigint as local_vnd
    from balances
    group by delivery_id
),

totals as (
    select
        states.delivery_id,
        coalesce(tiers.capital_total_vnd, 0) as capital_total_vnd,
        coalesce(tiers.central_vnd, 0) as central_vnd,
        coalesce(tiers.mobilised_vnd, 0) as mobilised_vnd,
        coalesce(tiers.local_vnd, 0) as local_vnd,
        states.local_outstanding_vnd,
        states.outstanding_vnd
    from states
    left join tiers on states.delivery_id = tiers.delivery_id
)

select
    totals.delivery_id,
    totals.capital_total_vnd,
    totals.central_vnd,
    totals.mobilised_vnd,
    totals.local_vnd,
    {{ local_share_of_capital_pct("totals") }} as local_share_of_capital_pct,
    totals.local_outstanding_vnd,
    {{ local_share_of_outstanding_pct("totals") }} as local_share_of_outstanding_pct,
    totals.local_vnd - totals.local_outstanding_vnd as local_idle_vnd,
    {{ percent("totals.local_outstanding_vnd", "totals.local_vnd") }} as local_utilisation_pct
from totals
