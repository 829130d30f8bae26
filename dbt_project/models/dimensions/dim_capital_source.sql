-- One row a node of the tree of capital sources.
{{ config(meta={"part": "dimensions", "branch_column": none}) }}

with sources as (
    select * from {{ ref('stg_capital_sources') }}
)

select
    source_code,
    parent_code,
    tier,
    name_vi,
    name_en,
    is_leaf,
    valid_from,
    valid_to,
    sort_order
from sources
