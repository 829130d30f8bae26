-- One row a unit and target in force: what is reached, where the period began, and how far the period has gone.
{{ config(materialized="unit_rows", meta={"part": "targets"}) }}

with targets as (
    select * from {{ ref('int_unit_targets') }}
),

flows as (
    select * from {{ ref('int_target_flows') }}
),

openings as (
    select * from {{ ref('int_target_openings') }}
)

select
    targets.branch_code,
    targets.business_date,
    targets.plan_id,
    targets.indicator in ('overdue_ratio_pct', 'overdue_frozen_ratio_pct') as is_ceiling,
    targets.target_value,
    case targets.indicator
        when 'outstanding' then targets.outstanding_vnd
        when 'growth_pct' then {{ growth_pct("targets.outstanding_vnd", "openings.outstanding_vnd") }}
        when 'overdue_ratio_pct' then {{ overdue_ratio_pct("targets") }}
        when 'overdue_frozen_ratio_pct' then {{ overdue_frozen_ratio_pct("targets") }}
        when 'local_capital_share_pct' then {{ local_share_of_capital_pct("targets") }}
        when 'deposits' then targets.deposits_vnd
        else flows.amount_vnd
    end as actual_value,
    -- Turnover and growth begin at nothing, a balance at what it was on the last day before the period.
    case targets.indicator
        when 'outstanding' then openings.outstanding_vnd
        when 'local_capital_share_pct' then {{ local_share_of_capital_pct("openings") }}
        when 'deposits' then openings.deposits_vnd
        else 0
    end as start_value,
    greatest(targets.due_on - targets.business_date, 0) as days_left,
    greatest(
        0,
        least(
            1,
            (targets.business_date - targets.period_start + 1)::numeric
            / nullif(targets.due_on - targets.period_start + 1, 0)
        )
    ) as share_of_period
from targets
left join flows
    on
        targets.branch_code = flows.branch_code
        and targets.business_date = flows.business_date
        and targets.plan_id = flows.plan_id
left join openings
    on
        targets.branch_code = openings.branch_code
        and targets.business_date = openings.business_date
        and targets.plan_id = openings.plan_id
