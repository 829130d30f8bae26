-- One row a unit and target of a balance: that balance on the last day before the period, null where it is not visible.
{{ config(materialized="unit_rows", meta={"part": "targets"}) }}

with targets as (
    select *
    from {{ ref('int_unit_targets') }}
    where indicator in ('outstanding', 'growth_pct', 'deposits', 'local_capital_share_pct')
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

ancestors as (
    select * from {{ ref('int_source_ancestors') }}
),

states as (
    select * from {{ ref('int_opening_states') }}
),

-- All branches that held the territory then must be visible: part of it is not the opening. Month-ends alone are kept.
target_deliveries as (
    select
        targets.branch_code,
        targets.business_date,
        targets.plan_id,
        targets.indicator,
        targets.scope_kind,
        targets.scope_code,
        targets.programme_code,
        targets.source_code,
        deliveries.delivery_id
    from targets
    inner join families
        on targets.branch_code = families.head_code and targets.branch_valid_from = families.head_valid_from
    inner join branches
        on
            families.branch_code = branches.branch_code
            and families.valid_from = branches.valid_from
            and targets.period_start - 1 between branches.valid_from and coalesce(branches.valid_to, 'infinity'::date)
    left join deliveries
        on
            families.branch_code = deliveries.branch_code
            and families.valid_from = deliveries.branch_valid_from
            and targets.period_start - 1 = deliveries.business_date
            and targets.business_date >= deliveries.business_date
            and extract(day from targets.period_start) = 1
),

visible as (
    select
        branch_code,
        business_date,
        plan_id
    from target_deliveries
    group by branch_code, business_date, plan_id
    having count(*) = count(delivery_id)
),

sums as (
    select
        targets.branch_code,
        targets.business_date,
        targets.plan_id,
        sum(states.outstanding_vnd)::bigint as outstanding_vnd,
        sum(states.capital_total_vnd)::bigint as capital_total_vnd,
        sum(states.local_vnd)::bigint as local_vnd,
        sum(states.deposits_vnd)::bigint as deposits_vnd
    from target_deliveries as targets
    inner join states
        on
            targets.delivery_id = states.delivery_id
            and targets.scope_kind = states.scope_kind
            and (targets.scope_kind = 'branch' or targets.scope_code = states.scope_code)
            and {{ is_of_target("targets", "states") }}
    group by targets.branch_code, targets.business_date, targets.plan_id
)

-- What nobody had yet began at nothing.
select
    visible.branch_code,
    visible.business_date,
    visible.plan_id,
    coalesce(sums.outstanding_vnd, 0) as outstanding_vnd,
    coalesce(sums.capital_total_vnd, 0) as capital_total_vnd,
    coalesce(sums.local_vnd, 0) as local_vnd,
    coalesce(sums.deposits_vnd, 0) as deposits_vnd
from visible
left join sums
    on
        visible.branch_code = sums.branch_code
        and visible.business_date = sums.business_date
        and visible.plan_id = sums.plan_id
