-- One row a business date, branch and leaf of the tree of capital sources.
{{ config(meta={"part": "history"}) }}

with units as (
    select * from {{ ref('int_units') }} where part = 'history'
),

balances as (
    select * from {{ ref('int_capital_balances') }}
),

commitments as (
    select * from {{ ref('int_capital_commitments') }}
),

sources as (
    select * from {{ ref('int_capital_leaves') }}
),

figures as (
    select
        units.business_date,
        units.branch_code,
        units.current_branch_code,
        units.is_provisional,
        sources.source_code,
        sources.tier,
        balances.balance_vnd,
        balances.lent_vnd,
        commitments.committed_not_received_vnd
    from units
    cross join sources
    left join balances on units.delivery_id = balances.delivery_id and sources.source_code = balances.source_code
    left join commitments
        on
            units.branch_code = commitments.branch_code
            and units.business_date = commitments.business_date
            and sources.source_code = commitments.source_code
    where balances.source_code is not null or commitments.source_code is not null
)

select
    business_date,
    branch_code,
    current_branch_code,
    source_code,
    tier,
    is_provisional,
    coalesce(balance_vnd, 0) as balance_vnd,
    {{ percent("coalesce(balance_vnd, 0)", "sum(balance_vnd) over (partition by branch_code, business_date)") }}
        as share_of_capital_pct,
    case when tier = 'local' then coalesce(lent_vnd, 0) end as lent_vnd,
    coalesce(committed_not_received_vnd, 0) as committed_not_received_vnd
from figures
