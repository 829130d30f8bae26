-- One row a branch (head) and branch that it stems from, itself included.
select
    head_code,
    head_valid_from,
    branch_code,
    valid_from,
    is_current
from {{ source('meta', 'branch_families') }}
