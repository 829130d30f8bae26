-- One row a unit and target in force: gap, progress, and whether the pace is enough.
{{ config(materialized="unit_rows", meta={"part": "targets"}) }}

with actuals as (
    select * from {{ ref('int_target_actuals') }}
)

select
    branch_code,
    business_date,
    plan_id,
    round(actual_value, 6) as actual_value,
    round(target_value - actual_value, 6) as gap,
    {{ percent("actual_value", "target_value") }} as progress_pct,
    days_left,
    -- Nothing more is required of what is reached; a ceiling asks for a fall, all else for a rise.
    round(
        case
            when actual_value is null then null
            when is_ceiling then least(0, target_value - actual_value)
            else greatest(0, target_value - actual_value)
        end * {{ days_of_a_month() }} / nullif(days_left, 0),
        6
    ) as required_per_month,
    case
        when is_ceiling then actual_value <= target_value
        else
            actual_value >= target_value
            -- Once it is due, where it began does not matter, and need not be known.
            or (
                days_left > 0
                -- In whole days, never their quotient: one rounded up calls exactly the even pace too slow.
                and (actual_value - start_value) * period_days
                >= (target_value - start_value) * greatest(elapsed_days, 0)
            )
    end as on_track
from actuals
