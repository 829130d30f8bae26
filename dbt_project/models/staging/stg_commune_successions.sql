-- One row an old commune and a commune that took over from it.
select
    old_code,
    old_valid_from,
    new_code,
    new_valid_from,
    is_default,
    is_split
from {{ source('meta', 'commune_successions') }}
