-- One row a loan of a delivery, with its outstanding, its days past due and its band of overdue debt.
with loans as (
    select * from {{ ref('stg_loan_book') }}
)

select
    delivery_id,
    business_date,
    contract_no,
    customer_id,
    office_code,
    commune_code,
    group_code,
    organisation_code,
    programme_code,
    source_code,
    method,
    disbursed_vnd,
    in_term_vnd,
    overdue_vnd,
    frozen_vnd,
    in_term_vnd + overdue_vnd + frozen_vnd as outstanding_vnd,
    interest_due_vnd,
    interest_overdue_vnd,
    {{ days_past_due() }} as days_past_due,
    {{ overdue_band() }} as overdue_band
from loans
