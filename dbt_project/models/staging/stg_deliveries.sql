-- One row a registered delivery.
select
    delivery_id,
    branch_code,
    branch_valid_from,
    business_date,
    revision,
    received_at,
    offices_expected,
    offices_delivered
from {{ source('meta', 'deliveries') }}
