-- One row a unit and target of turnover, collection or capital received: the sum by value date from the period's start
-- to the day due, predecessors included; null where the visible intervals are broken.
{{ config(materialized="unit_rows", meta={"part": "targets"}) }}

with targets as (
    select * from {{ ref('int_unit_targets') }} where indicator in ('disbursed', 'collected', 'local_capital_received')
),

target_deliveries as (
    select * from {{ ref('int_target_deliveries') }}
),

holders as (
    select * from {{ ref('int_commune_holders') }}
),

ancestors as (
    select * from {{ ref('int_source_ancestors') }}
),

coverage as (
    select
        branch_code,
        business_date,
        plan_id,
        not bool_or(is_break) as is_covered
    from target_deliveries
    group by branch_code, business_date, plan_id
),

amounts as (
    select
        delivery_id,
        value_date,
        office_code,
        commune_code,
        programme_code,
        source_code,
        disbursed_vnd,
        collected_vnd,
        0 as received_vnd
    from {{ ref('int_lending_flows') }}
    union all
    select
        delivery_id,
        value_date,
        office_code,
        commune_code,
        programme_code,
        source_code,
        0 as disbursed_vnd,
        0 as collected_vnd,
        received_vnd
    from {{ ref('int_capital_receipts') }}
),

flows as (
    select
        targets.branch_code,
        targets.business_date,
        targets.plan_id,
        sum(
            case targets.indicator
                when 'disbursed' then amounts.disbursed_vnd
                when 'collected' then amounts.collected_vnd
                else amounts.received_vnd
            end
        ) as amount_vnd
    from target_deliveries as targets
    inner join amounts
        on
            targets.delivery_id = amounts.delivery_id
            and amounts.value_date between targets.period_start and targets.due_on
            and (targets.scope_kind <> 'office' or targets.scope_code = amounts.office_code)
            and {{ is_of_target("targets", "amounts") }}
    left join holders
        on
            targets.scope_kind = 'commune'
            and {{ holds_commune("holders", "amounts.commune_code", "amounts.value_date", "targets.communes_on") }}
    where targets.scope_kind <> 'commune' or targets.scope_code = coalesce(holders.holder_code, amounts.commune_code)
    group by targets.branch_code, targets.business_date, targets.plan_id
)

-- Before its period begins, nothing is counted and nothing is missing.
select
    targets.branch_code,
    targets.business_date,
    targets.plan_id,
    case when coalesce(coverage.is_covered, true) then coalesce(flows.amount_vnd, 0)::bigint end as amount_vnd
from targets
left join coverage
    on
        targets.branch_code = coverage.branch_code
        and targets.business_date = coverage.business_date
        and targets.plan_id = coverage.plan_id
left join flows
    on
        targets.branch_code = flows.branch_code
        and targets.business_date = flows.business_date
        and targets.plan_id = flows.plan_id
