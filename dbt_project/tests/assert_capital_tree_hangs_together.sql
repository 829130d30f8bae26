-- Every source but the total has a parent, and only leaves have none below them.
select
    sources.source_code,
    sources.parent_code,
    sources.is_leaf
from {{ candidates(ref('dim_capital_source')) }} as sources
left join {{ candidates(ref('dim_capital_source')) }} as parents on sources.parent_code = parents.source_code
where
    (sources.source_code <> 'TOTAL' and (parents.source_code is null or parents.is_leaf))
    or sources.is_leaf <> not exists (
        select from {{ candidates(ref('dim_capital_source')) }} as children
        where children.parent_code = sources.source_code
    )
