-- One row a capital source and node of the tree that it belongs to, itself included.
with recursive sources as (
    select * from {{ ref('stg_capital_sources') }}
),

ancestors as (
    select
        source_code,
        source_code as ancestor_code
    from sources
    union all
    select
        ancestors.source_code,
        sources.parent_code as ancestor_code
    from ancestors
    inner join sources on ancestors.ancestor_code = sources.source_code
    where sources.parent_code is not null
)

select
    source_code,
    ancestor_code
from ancestors
