-- The branch's own control totals, carried through to the mart: to the đồng, and to the loan.
{{ config(tags=["across_areas"]) }}

with balances as (
    select
        branch_code,
        business_date,
        sum(loans) as loans,
        sum(in_term_vnd) as in_term_vnd,
        sum(overdue_vnd) as overdue_vnd,
        sum(frozen_vnd) as frozen_vnd,
        sum(interest_due_vnd) as interest_due_vnd,
        sum(interest_overdue_vnd) as interest_overdue_vnd
    from {{ candidates(ref('mart_loan_balances')) }} as candidates
    group by branch_code, business_date
)

select
    units.branch_code,
    units.business_date,
    files.control_totals,
    balances.loans
from {{ ref('int_units') }} as units
inner join {{ ref('stg_delivery_files') }} as files
    on units.delivery_id = files.delivery_id and files.dataset = 'loan_book'
left join balances on units.branch_code = balances.branch_code and units.business_date = balances.business_date
where
    units.part = 'state'
    and (
        coalesce(balances.loans, 0) <> files.row_count
        or coalesce(balances.in_term_vnd, 0) <> (files.control_totals ->> 'in_term_vnd')::numeric
        or coalesce(balances.overdue_vnd, 0) <> (files.control_totals ->> 'overdue_vnd')::numeric
        or coalesce(balances.frozen_vnd, 0) <> (files.control_totals ->> 'frozen_vnd')::numeric
        or coalesce(balances.interest_due_vnd, 0) <> (files.control_totals ->> 'interest_due_vnd')::numeric
        or coalesce(balances.interest_overdue_vnd, 0) <> (files.control_totals ->> 'interest_overdue_vnd')::numeric
    )
