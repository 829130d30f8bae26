-- One row an inspection of a delivery.
select
    delivery_id,
    inspection_id,
    body,
    level,
    inspected_on,
    commune_code,
    groups_checked,
    households_checked,
    findings,
    misuse_cases,
    fixed_on
from {{ source('raw', 'inspections') }}
