-- One row a person entitled to a programme, of a delivery.
select
    delivery_id,
    case_id,
    kind,
    programme_code,
    commune_code,
    as_of,
    status,
    need_vnd,
    contract_no,
    customer_id
from {{ source('raw', 'eligible_demand') }}
