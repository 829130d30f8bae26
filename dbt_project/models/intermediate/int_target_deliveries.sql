-- One row a unit, target of turnover, collection or capital received, and visible delivery that brings something of its
-- period.
{{ config(materialized="unit_rows", meta={"part": "targets"}) }}

with targets as (
    select * from {{ ref('int_unit_targets') }} where indicator in ('disbursed', 'collected', 'local_capital_received')
),

families as (
    select * from {{ ref('stg_branch_families') }}
),

deliveries as (
    select
        *,
        lag(business_date) over (partition by branch_code, branch_valid_from order by business_date) as earlier_date
    from {{ ref('stg_visible_deliveries') }}
)

select
    targets.branch_code,
    targets.business_date,
    targets.plan_id,
    targets.indicator,
    targets.scope_kind,
    targets.scope_code,
    targets.programme_code,
    targets.source_code,
    targets.period_start,
    targets.due_on,
    targets.communes_on,
    deliveries.delivery_id,
    deliveries.is_provisional or deliveries.previous_business_date is null as is_break
from targets
inner join families
    on targets.branch_code = families.head_code and targets.branch_valid_from = families.head_valid_from
inner join deliveries
    on
        families.branch_code = deliveries.branch_code
        and families.valid_from = deliveries.branch_valid_from
        and deliveries.business_date between targets.period_start and targets.business_date
        -- The first delivery on or after the day due tells the last of the period: no break behind it matters.
        and (deliveries.earlier_date is null or deliveries.earlier_date < targets.due_on)
