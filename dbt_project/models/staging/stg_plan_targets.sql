-- One row a target and version, of a delivery.
select
    delivery_id,
    business_date,
    plan_id,
    version,
    indicator,
    scope_kind,
    scope_code,
    programme_code,
    source_code,
    period_start,
    due_on,
    target_value,
    unit,
    decided_on,
    valid_from
from {{ source('raw', 'plan_targets') }}
