-- One row a unit, target of a balance and earlier moment that is visible: the balances then.
{{ config(materialized="unit_rows", meta={"part": "targets"}) }}

with moments as (
    select * from {{ ref('int_target_moments') }}
),

holders as (
    select * from {{ ref('int_commune_holders') }}
),

ancestors as (
    select * from {{ ref('int_source_ancestors') }}
),

states as (
    select * from {{ ref('int_opening_states') }}
),

-- All branches must be visible: part of the territory is not the balance.
visible as (
    select
        branch_code,
        business_date,
        plan_id,
        moment
    from moments
    group by branch_code, business_date, plan_id, moment
    having count(*) = count(delivery_id)
),

sums as (
    select
        moments.branch_code,
        moments.business_date,
        moments.plan_id,
        moments.moment,
        sum(states.outstanding_vnd)::bigint as outstanding_vnd,
        sum(states.overdue_vnd)::bigint as overdue_vnd,
        sum(states.frozen_vnd)::bigint as frozen_vnd,
        sum(states.capital_total_vnd)::bigint as capital_total_vnd,
        sum(states.local_vnd)::bigint as local_vnd,
        sum(states.deposits_vnd)::bigint as deposits_vnd
    from moments
    inner join states
        on
            moments.delivery_id = states.delivery_id
            and moments.scope_kind = states.scope_kind
            and (moments.scope_kind <> 'office' or moments.scope_code = states.scope_code)
            and {{ is_of_target("moments", "states") }}
    left join holders
        on
            moments.scope_kind = 'commune'
            and {{ holds_commune("holders", "states.scope_code", "moments.held_on", "moments.communes_on") }}
    where moments.scope_kind <> 'commune' or moments.scope_code = coalesce(holders.holder_code, states.scope_code)
    group by moments.branch_code, moments.business_date, moments.plan_id, moments.moment
)

-- What nobody had is a balance of nothing.
select
    visible.branch_code,
    visible.business_date,
    visible.plan_id,
    visible.moment,
    coalesce(sums.outstanding_vnd, 0) as outstanding_vnd,
    coalesce(sums.overdue_vnd, 0) as overdue_vnd,
    coalesce(sums.frozen_vnd, 0) as frozen_vnd,
    coalesce(sums.capital_total_vnd, 0) as capital_total_vnd,
    coalesce(sums.local_vnd, 0) as local_vnd,
    coalesce(sums.deposits_vnd, 0) as deposits_vnd
from visible
left join sums
    on
        visible.branch_code = sums.branch_code
        and visible.business_date = sums.business_date
        and visible.plan_id = sums.plan_id
        and visible.moment = sums.moment
