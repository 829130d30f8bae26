-- One row a delivery and leaf of the tree of sources: its balance, and what is lent of it. Kept for later dates.
{{ config(materialized="unit_rows", meta={"part": "state", "kept": true}) }}

with sources as (
    select * from {{ ref('stg_capital_sources') }} where is_leaf
),

positions as (
    select
        delivery_id,
        source_code,
        sum(balance_vnd)::bigint as balance_vnd
    from {{ ref('stg_capital_positions') }}
    where delivery_id in {{ delivery_ids("state") }}
    group by delivery_id, source_code
),

lent as (
    select
        delivery_id,
        source_code,
        sum(outstanding_vnd)::bigint as lent_vnd
    from {{ ref('int_loan_groups') }}
    group by delivery_id, source_code
),

figures as (
    select
        coalesce(positions.delivery_id, lent.delivery_id) as delivery_id,
        coalesce(positions.source_code, lent.source_code) as source_code,
        coalesce(positions.balance_vnd, 0) as balance_vnd,
        coalesce(lent.lent_vnd, 0) as lent_vnd
    from positions
    full outer join lent on positions.delivery_id = lent.delivery_id and positions.source_code = lent.source_code
)

select
    figures.delivery_id,
    figures.source_code,
    sources.tier,
    figures.balance_vnd,
    -- Loans on central and mobilised money name only the parent, TW: how they divide is not known.
    case when sources.tier = 'local' then figures.lent_vnd end as lent_vnd
from figures
inner join sources on figures.source_code = sources.source_code
