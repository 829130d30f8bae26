-- One row a finding; opening is null for what was found at the door.
select
    delivery_id,
    opening,
    severity
from {{ source('meta', 'findings') }}
