-- One row an inspection of a delivery, with the quarter it fell in.
select
    delivery_id,
    inspection_id,
    body,
    level,
    inspected_on,
    (date_trunc('quarter', inspected_on::timestamp) + interval '3 months - 1 day')::date as quarter_ends_on,
    commune_code,
    groups_checked,
    households_checked,
    findings,
    misuse_cases,
    fixed_on
from {{ source('raw', 'inspections') }}
