-- One row a capital source and office of a delivery.
select
    delivery_id,
    source_code,
    office_code,
    balance_vnd
from {{ source('raw', 'capital_positions') }}
