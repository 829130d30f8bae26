-- One row a node of the tree of capital sources.
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
from {{ source('meta', 'capital_sources') }}
