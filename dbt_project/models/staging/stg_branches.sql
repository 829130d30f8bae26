-- One row a branch, key (branch_code, valid_from).
select
    branch_code,
    valid_from,
    valid_to,
    name_vi,
    name_en,
    region
from {{ source('meta', 'branches') }}
