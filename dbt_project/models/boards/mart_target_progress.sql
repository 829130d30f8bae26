-- One row a business date, branch and target in force: the highest version of a plan that is valid on the date.
{{ config(meta={"part": "targets"}) }}

with targets as (
    select * from {{ ref('int_unit_targets') }}
),

progress as (
    select * from {{ ref('int_target_progress') }}
)

select
    targets.business_date,
    targets.branch_code,
    targets.current_branch_code,
    targets.plan_id,
    targets.version,
    targets.indicator,
    targets.scope_kind,
    targets.scope_code,
    targets.programme_code,
    targets.source_code,
    targets.unit,
    targets.period_start,
    targets.due_on,
    targets.decided_on,
    targets.is_provisional,
    round(targets.target_value, 6) as target_value,
    progress.actual_value,
    progress.gap,
    progress.progress_pct,
    progress.days_left,
    progress.required_per_month,
    progress.on_track
from targets
inner join progress
    on
        targets.branch_code = progress.branch_code
        and targets.business_date = progress.business_date
        and targets.plan_id = progress.plan_id
