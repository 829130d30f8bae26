-- A headline is the sum of what stands below it.
{{ config(tags=["across_areas"]) }}

with balances as (
    select
        branch_code,
        business_date,
        sum(loans) as loans,
        sum(in_term_vnd) as in_term_vnd,
        sum(overdue_vnd) as overdue_vnd,
        sum(frozen_vnd) as frozen_vnd,
        sum(outstanding_vnd) as outstanding_vnd,
        count(distinct commune_code) as communes
    from {{ candidates(ref('mart_loan_balances')) }} as candidates
    group by branch_code, business_date
)

select scorecard.*
from {{ candidates(ref('mart_branch_scorecard')) }} as scorecard
inner join balances
    on scorecard.branch_code = balances.branch_code and scorecard.business_date = balances.business_date
where
    scorecard.loans <> balances.loans
    or scorecard.in_term_vnd <> balances.in_term_vnd
    or scorecard.overdue_vnd <> balances.overdue_vnd
    or scorecard.frozen_vnd <> balances.frozen_vnd
    or scorecard.outstanding_vnd <> balances.outstanding_vnd
    or scorecard.communes <> balances.communes
