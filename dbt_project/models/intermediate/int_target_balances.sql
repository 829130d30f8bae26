-- One row a unit, target of a balance and earlier moment that is visible (the opening, which is the last day before the
-- period, and the day due once it is past): the balances then.
{{ config(materialized="unit_rows", meta={"part": "targets"}) }}

with targets as (
    select *
    from {{ ref('int_unit_targets') }}
    where indicator not in ('disbursed', 'collected', 'local_capital_received')
),

families as (
    select * from {{ ref('stg_branch_families') }}
),

branches as (
    select * from {{ ref('stg_branches') }}
),

deliveries as (
    select * from {{ ref('stg_visible_deliveries') }}
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

moments as (
    select
        targets.branch_code,
        targets.branch_valid_from,
        targets.business_date,
        targets.plan_id,
        targets.indicator,
        targets.scope_kind,
        targets.scope_code,
        targets.programme_code,
        targets.source_code,
        targets.communes_on,
        day.moment,
        day.held_on
    from targets
    cross join lateral (values ('opening', targets.period_start - 1), ('due', targets.due_on)) as day (moment, held_on)
    where
        day.held_on between targets.period_start - 1 and targets.business_date
        and (day.moment = 'opening' or day.held_on < targets.business_date)
),

-- All branches that held the territory then must be visible: part of it is not the balance. Month-ends alone are kept.
target_deliveries as (
    select
        moments.branch_code,
        moments.business_date,
        moments.plan_id,
        moments.indicator,
        moments.scope_kind,
        moments.scope_code,
        moments.programme_code,
        moments.source_code,
        moments.communes_on,
        moments.moment,
        moments.held_on,
        deliveries.delivery_id
    from moments
    inner join families
        on moments.branch_code = families.head_code and moments.branch_valid_from = families.head_valid_from
    inner join branches
        on
            families.branch_code = branches.branch_code
            and families.valid_from = branches.valid_from
            and moments.held_on between branches.valid_from and coalesce(branches.valid_to, 'infinity'::date)
    left join deliveries
        on
            families.branch_code = deliveries.branch_code
            and families.valid_from = deliveries.branch_valid_from
            and moments.held_on = deliveries.business_date
            and extract(day from moments.held_on + 1) = 1
),

visible as (
    select
        branch_code,
        business_date,
        plan_id,
        moment
    from target_deliveries
    group by branch_code, business_date, plan_id, moment
    having count(*) = count(delivery_id)
),

sums as (
    select
        targets.branch_code,
        targets.business_date,
        targets.plan_id,
        targets.moment,
        sum(states.outstanding_vnd)::bigint as outstanding_vnd,
        sum(states.overdue_vnd)::bigint as overdue_vnd,
        sum(states.frozen_vnd)::bigint as frozen_vnd,
        sum(states.capital_total_vnd)::bigint as capital_total_vnd,
        sum(states.local_vnd)::bigint as local_vnd,
        sum(states.deposits_vnd)::bigint as deposits_vnd
    from target_deliveries as targets
    inner join states
        on
            targets.delivery_id = states.delivery_id
            and targets.scope_kind = states.scope_kind
            and {{ is_of_target("targets", "states") }}
    left join holders
        on
            targets.scope_kind = 'commune'
            and {{ holds_commune("holders", "states.scope_code", "targets.held_on", "targets.communes_on") }}
    where targets.scope_kind = 'branch' or targets.scope_code = coalesce(holders.holder_code, states.scope_code)
    group by targets.branch_code, targets.business_date, targets.plan_id, targets.moment
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
