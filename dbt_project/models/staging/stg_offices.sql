-- One row an office of a delivery.
select
    delivery_id,
    branch_code,
    business_date,
    office_code,
    name as office_name,
    kind as office_kind,
    commune_code,
    opened_on,
    closed_on
from {{ source('raw', 'offices') }}
