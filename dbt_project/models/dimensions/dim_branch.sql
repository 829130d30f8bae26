-- One row a branch, key (branch_code, valid_from): a code alone does not name a province for ever.
{{ config(meta={"part": "dimensions", "branch_column": none}) }}

with branches as (
    select * from {{ ref('int_branch_territory') }}
)

select
    branch_code,
    valid_from,
    valid_to,
    name_vi,
    name_en,
    current_branch_code,
    region
from branches
