-- The branch's control total of capital positions is the sum over the leaves of the tree.
{{ config(tags=["across_areas"]) }}

with balances as (
    select
        branch_code,
        business_date,
        sum(balance_vnd) as balance_vnd
    from {{ candidates(ref('mart_capital_sources')) }} as candidates
    group by branch_code, business_date
)

select
    units.branch_code,
    units.business_date,
    files.control_totals,
    balances.balance_vnd
from {{ ref('int_units') }} as units
inner join {{ ref('stg_delivery_files') }} as files
    on units.delivery_id = files.delivery_id and files.dataset = 'capital_positions'
left join balances on units.branch_code = balances.branch_code and units.business_date = balances.business_date
where
    units.part = 'history'
    and coalesce(balances.balance_vnd, 0) <> (files.control_totals ->> 'balance_vnd')::numeric
