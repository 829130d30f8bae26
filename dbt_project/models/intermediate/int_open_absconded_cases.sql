-- One row an open case of a borrower who left the locality; a borrower's first case stands for the borrower.
with cases as (
    select * from {{ ref('stg_absconded_cases') }}
)

select
    delivery_id,
    business_date,
    case_id,
    customer_id,
    commune_code,
    recovered_vnd,
    {{ years_absent() }} as years_absent,
    row_number() over (partition by delivery_id, customer_id order by left_on, case_id) = 1 as is_first_of_borrower
from cases
where closed_on is null and management_status <> 'returned'
