-- What is added up over branches is the nation's; persons are at most as many, and no fewer than in any branch.
{{ config(tags=["across_areas"]) }}

with nation as (
    select * from {{ candidates(ref('mart_national_scorecard')) }} as candidates
),

branches as (
    select
        scorecard.business_date,
        count(*) as branches,
        sum(scorecard.loans) as loans,
        sum(scorecard.in_term_vnd) as in_term_vnd,
        sum(scorecard.overdue_vnd) as overdue_vnd,
        sum(scorecard.frozen_vnd) as frozen_vnd,
        sum(scorecard.absconded_cases) as absconded_cases,
        sum(scorecard.groups) as groups,
        sum(scorecard.offices_delivered) as offices_delivered,
        sum(scorecard.borrowers) as borrowers,
        max(scorecard.borrowers) as most_borrowers,
        sum(scorecard.communes) as communes,
        case
            when count(*) = count(scorecard.disbursed_ytd_vnd) then sum(scorecard.disbursed_ytd_vnd)
        end as disbursed_ytd_vnd
    from {{ shown_after_flip(ref('mart_branch_scorecard'), 'history') }} as scorecard
    group by scorecard.business_date
)

select nation.*
from nation
left join branches on nation.business_date = branches.business_date
where
    branches.business_date is null
    or nation.branches_delivered <> branches.branches
    or nation.branches_delivered > nation.branches_expected
    or nation.loans <> branches.loans
    or nation.in_term_vnd <> branches.in_term_vnd
    or nation.overdue_vnd <> branches.overdue_vnd
    or nation.frozen_vnd <> branches.frozen_vnd
    or nation.absconded_cases <> branches.absconded_cases
    or nation.groups <> branches.groups
    or nation.offices_delivered <> branches.offices_delivered
    or nation.borrowers not between branches.most_borrowers and branches.borrowers
    or nation.communes > branches.communes
    or nation.disbursed_ytd_vnd is distinct from branches.disbursed_ytd_vnd
