-- One row a unit, target of a balance, earlier moment (the opening: the day before the period; the day due, once it is
-- past) and branch that held the territory then, with its delivery, if visible.
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
)

-- Of states, month-ends alone are kept.
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
