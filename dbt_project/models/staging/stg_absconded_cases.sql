-- One row a case of a borrower who left the locality, of a delivery.
select
    delivery_id,
    business_date,
    case_id,
    customer_id,
    office_code,
    commune_code,
    left_on,
    address_known,
    management_status,
    recovered_vnd,
    closed_on
from {{ source('raw', 'absconded_cases') }}
