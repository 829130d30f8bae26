-- One row a leaf of the tree of capital sources, with its tier.
select
    source_code,
    tier
from {{ ref('stg_capital_sources') }}
where is_leaf
