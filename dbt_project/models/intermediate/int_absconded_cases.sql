-- One row an open case of a borrower who left, with the loans of that borrower at the borrower's first case.
{{ config(materialized="unit_rows", meta={"part": "state"}) }}

with cases as (
    select * from {{ ref('int_open_absconded_cases') }} where delivery_id in {{ delivery_ids("state") }}
),

loans as (
    select * from {{ ref('int_loans') }} where delivery_id in {{ delivery_ids("state") }}
)

select
    cases.delivery_id,
    cases.case_id,
    cases.commune_code,
    cases.years_absent,
    cases.is_first_of_borrower,
    cases.recovered_vnd,
    count(loans.contract_no) as loans,
    coalesce(sum(loans.in_term_vnd), 0)::bigint as in_term_vnd,
    coalesce(sum(loans.overdue_vnd), 0)::bigint as overdue_vnd,
    coalesce(sum(loans.frozen_vnd), 0)::bigint as frozen_vnd
from cases
left join loans
    on
        cases.delivery_id = loans.delivery_id
        and cases.customer_id = loans.customer_id
        and cases.is_first_of_borrower
group by
    cases.delivery_id,
    cases.case_id,
    cases.commune_code,
    cases.years_absent,
    cases.is_first_of_borrower,
    cases.recovered_vnd
