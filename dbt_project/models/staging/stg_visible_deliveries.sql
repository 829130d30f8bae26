-- One row a delivery that was visible when the running build opened.
select
    branch_code,
    branch_valid_from,
    business_date,
    delivery_id,
    revision,
    previous_business_date,
    is_provisional
from meta.visible_deliveries_at((select ledger_entry_no from {{ source('meta', 'running_build') }}))
