-- A target is valid on its date, and what is missing and what is reached make the target.
{{ config(tags=["across_areas"]) }}

with targets as (
    select * from {{ candidates(ref('mart_target_progress')) }} as candidates
),

scorecards as (
    select * from {{ shown_after_flip(ref('mart_branch_scorecard'), 'history') }} as scorecards
)

select targets.*
from targets
left join scorecards
    on targets.branch_code = scorecards.branch_code and targets.business_date = scorecards.business_date
where
    targets.decided_on > targets.business_date
    or targets.actual_value + targets.gap <> targets.target_value
    or targets.days_left < 0
    -- A target of the whole branch is measured by the same figures as its scorecard, as long as it is not past.
    or (
        targets.business_date <= targets.due_on
        and targets.scope_kind = 'branch'
        and targets.scope_code = targets.branch_code
        and targets.programme_code is null
        and targets.source_code is null
        and (
            (targets.indicator = 'outstanding' and targets.actual_value <> scorecards.outstanding_vnd)
            or (targets.indicator = 'overdue_ratio_pct' and targets.actual_value <> scorecards.overdue_ratio_pct)
            or (
                targets.indicator in ('disbursed', 'collected')
                and targets.period_start = date_trunc('year', targets.business_date)
                and targets.actual_value is distinct from case targets.indicator
                    when 'disbursed' then scorecards.disbursed_ytd_vnd
                    else scorecards.collected_ytd_vnd
                end
            )
        )
    )
