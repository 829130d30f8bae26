-- One row a unit and target in force: what is reached (on the day due, once that is past), where the period began, and
-- how far it has gone.
{{ config(materialized="unit_rows", meta={"part": "targets"}) }}

with targets as (
    select * from {{ ref('int_unit_targets') }}
),

flows as (
    select * from {{ ref('int_target_flows') }}
),

balances as (
    select * from {{ ref('int_target_balances') }}
),

openings as (
    select * from balances where moment = 'opening'
),

judged as (
    select
        branch_code,
        business_date,
        plan_id,
        outstanding_vnd,
        overdue_vnd,
        frozen_vnd,
        capital_total_vnd,
        local_vnd,
        deposits_vnd
    from targets
    where business_date <= due_on
    union all
    select
        branch_code,
        business_date,
        plan_id,
        outstanding_vnd,
        overdue_vnd,
        frozen_vnd,
        capital_total_vnd,
        local_vnd,
        deposits_vnd
    from balances
    where moment = 'due'
)

select
    targets.branch_code,
    targets.business_date,
    targets.plan_id,
    targets.indicator in ('overdue_ratio_pct', 'overdue_frozen_ratio_pct') as is_ceiling,
    targets.target_value,
    case
        when targets.is_known
            then
                case targets.indicator
                    when 'outstanding' then judged.outstanding_vnd
                    when 'growth_pct' then {{ growth_pct("judged.outstanding_vnd", "openings.outstanding_vnd") }}
                    when 'overdue_ratio_pct' then {{ overdue_ratio_pct("judged") }}
                    when 'overdue_frozen_ratio_pct' then {{ overdue_frozen_ratio_pct("judged") }}
                    when 'local_capital_share_pct' then {{ local_share_of_capital_pct("judged") }}
                    when 'deposits' then judged.deposits_vnd
                    else flows.amount_vnd
                end
    end as actual_value,
    -- Turnover and growth begin at nothing, a balance at what it was on the last day before the period.
    case targets.indicator
        when 'outstanding' then openings.outstanding_vnd
        when 'local_capital_share_pct' then {{ local_share_of_capital_pct("openings") }}
        when 'deposits' then openings.deposits_vnd
        else 0
    end as start_value,
    greatest(targets.due_on - targets.business_date, 0) as days_left,
    targets.due_on - targets.period_start + 1 as period_days,
    least(targets.business_date, targets.due_on) - targets.period_start + 1 as elapsed_days
from targets
left join judged
    on
        targets.branch_code = judged.branch_code
        and targets.business_date = judged.business_date
        and targets.plan_id = judged.plan_id
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
