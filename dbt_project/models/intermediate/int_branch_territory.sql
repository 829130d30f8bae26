-- One row a branch (branch_code, valid_from), with the branch that stands in its place today.
with families as (
    select * from {{ ref('stg_branch_families') }}
),

branches as (
    select * from {{ ref('stg_branches') }}
)

select
    branches.branch_code,
    branches.valid_from,
    branches.valid_to,
    branches.name_vi,
    branches.name_en,
    branches.region,
    families.head_code as current_branch_code
from branches
inner join families
    on
        branches.branch_code = families.branch_code
        and branches.valid_from = families.valid_from
        and families.is_current
