-- Groups are told at month-ends, all of them, and their loans are part of the branch's.
{{ config(tags=["across_areas"]) }}

with savings_groups as (
    select
        branch_code,
        business_date,
        count(*) filter (where status = 'active') as groups,
        sum(loans) as loans,
        sum(outstanding_vnd) as outstanding_vnd,
        sum(overdue_vnd) as overdue_vnd
    from {{ candidates(ref('mart_savings_groups')) }} as candidates
    group by branch_code, business_date
)

select
    scorecard.branch_code,
    scorecard.business_date,
    savings_groups.groups,
    savings_groups.outstanding_vnd
from {{ candidates(ref('mart_branch_scorecard')) }} as scorecard
inner join {{ ref('int_units') }} as units
    on
        units.part = 'state'
        and scorecard.branch_code = units.branch_code
        and scorecard.business_date = units.business_date
left join savings_groups
    on scorecard.branch_code = savings_groups.branch_code and scorecard.business_date = savings_groups.business_date
where
    extract(day from scorecard.business_date + 1) <> 1
    and savings_groups.branch_code is not null
    or extract(day from scorecard.business_date + 1) = 1
    and (
        coalesce(savings_groups.groups, 0) <> scorecard.groups
        or savings_groups.loans > scorecard.loans
        or savings_groups.outstanding_vnd > scorecard.outstanding_vnd
        or savings_groups.overdue_vnd > scorecard.overdue_vnd
    )
