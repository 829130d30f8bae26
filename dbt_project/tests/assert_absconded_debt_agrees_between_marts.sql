-- The debt of borrowers who left is the same whether one begins with the borrowers or with the debt.
{{ config(tags=["across_areas"]) }}

with absconded as (
    select
        branch_code,
        business_date,
        sum(cases) as cases,
        sum(borrowers) as borrowers,
        sum(overdue_vnd) as overdue_vnd
    from {{ candidates(ref('mart_absconded_borrowers')) }} as candidates
    group by branch_code, business_date
),

debt as (
    select
        branch_code,
        business_date,
        sum(absconded_overdue_vnd) as overdue_vnd
    from {{ candidates(ref('mart_overdue_debt')) }} as candidates
    group by branch_code, business_date
)

select
    units.branch_code,
    units.business_date,
    absconded.cases,
    absconded.borrowers,
    absconded.overdue_vnd
from {{ ref('int_units') }} as units
left join absconded on units.branch_code = absconded.branch_code and units.business_date = absconded.business_date
left join debt on units.branch_code = debt.branch_code and units.business_date = debt.business_date
left join {{ candidates(ref('mart_branch_scorecard')) }} as scorecard
    on units.branch_code = scorecard.branch_code and units.business_date = scorecard.business_date
where
    units.part = 'state'
    and (
        coalesce(absconded.overdue_vnd, 0) <> coalesce(debt.overdue_vnd, 0)
        or coalesce(absconded.cases, 0) <> coalesce(scorecard.absconded_cases, absconded.cases, 0)
        or coalesce(absconded.borrowers, 0) <> coalesce(scorecard.absconded_borrowers, absconded.borrowers, 0)
    )
