-- One row a delivery, scope that targets are set for (branch, office or commune), programme and source: its balances.
-- A commune that is gone is told as the one that holds its territory on the business date.
{{ config(materialized="unit_rows", meta={"part": "state"}) }}

with sources as (
    select * from {{ ref('stg_capital_sources') }}
),

units as (
    select * from {{ ref('int_units') }} where part = 'state'
),

holders as (
    select * from {{ ref('int_commune_holders') }}
),

positions as (
    select * from {{ ref('stg_capital_positions') }} where delivery_id in {{ delivery_ids("state") }}
),

balances as (
    select
        delivery_id,
        office_code,
        commune_code,
        programme_code,
        source_code,
        outstanding_vnd,
        overdue_vnd,
        frozen_vnd,
        0 as capital_total_vnd,
        0 as local_vnd,
        0 as deposits_vnd
    from {{ ref('int_loan_groups') }}
    union all
    select
        positions.delivery_id,
        positions.office_code,
        null as commune_code,
        null as programme_code,
        positions.source_code,
        0 as outstanding_vnd,
        0 as overdue_vnd,
        0 as frozen_vnd,
        positions.balance_vnd as capital_total_vnd,
        case when sources.tier = 'local' then positions.balance_vnd else 0 end as local_vnd,
        0 as deposits_vnd
    from positions
    left join sources on positions.source_code = sources.source_code
    union all
    select
        delivery_id,
        office_code,
        commune_code,
        null as programme_code,
        case kind
            when 'organisation' then 'MOB_ORG'
            when 'individual' then 'MOB_IND'
            else 'MOB_SAVINGS'
        end as source_code,
        0 as outstanding_vnd,
        0 as overdue_vnd,
        0 as frozen_vnd,
        0 as capital_total_vnd,
        0 as local_vnd,
        balance_vnd as deposits_vnd
    from {{ ref('stg_deposits') }}
    where delivery_id in {{ delivery_ids("state") }}
),

scoped as (
    select
        balances.delivery_id,
        place.scope_kind,
        place.scope_code,
        balances.programme_code,
        balances.source_code,
        balances.outstanding_vnd,
        balances.overdue_vnd,
        balances.frozen_vnd,
        balances.capital_total_vnd,
        balances.local_vnd,
        balances.deposits_vnd
    from balances
    inner join units on balances.delivery_id = units.delivery_id
    left join holders
        on {{ holds_commune("holders", "balances.commune_code", "units.business_date", "units.business_date") }}
    cross join lateral (
        values
        ('branch', '*'),
        ('office', balances.office_code),
        ('commune', coalesce(holders.holder_code, balances.commune_code))
    ) as place (scope_kind, scope_code)
)

select
    delivery_id,
    scope_kind,
    scope_code,
    programme_code,
    source_code,
    sum(outstanding_vnd)::bigint as outstanding_vnd,
    sum(overdue_vnd)::bigint as overdue_vnd,
    sum(frozen_vnd)::bigint as frozen_vnd,
    sum(capital_total_vnd)::bigint as capital_total_vnd,
    sum(local_vnd)::bigint as local_vnd,
    sum(deposits_vnd)::bigint as deposits_vnd
from scoped
where scope_code is not null
group by delivery_id, scope_kind, scope_code, programme_code, source_code
