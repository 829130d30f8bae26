-- One row a unit and source: money decided and not yet received, over everything that was delivered up to its date.
{{ config(materialized="unit_rows", meta={"part": "history"}) }}

with units as (
    select * from {{ ref('int_units') }} where part = 'history'
),

families as (
    select * from {{ ref('stg_branch_families') }}
),

deliveries as (
    select * from {{ ref('stg_visible_deliveries') }}
),

decisions as (
    select * from {{ ref('int_capital_decisions') }}
),

open_decisions as (
    select
        units.branch_code,
        units.business_date,
        decisions.source_code,
        greatest(0, sum(decisions.decided_vnd) - sum(decisions.received_vnd)) as committed_vnd
    from units
    inner join families
        on units.branch_code = families.head_code and units.branch_valid_from = families.head_valid_from
    inner join deliveries
        on
            families.branch_code = deliveries.branch_code
            and families.valid_from = deliveries.branch_valid_from
            and units.business_date >= deliveries.business_date
    inner join decisions on deliveries.delivery_id = decisions.delivery_id
    group by units.branch_code, units.business_date, decisions.source_code, decisions.decision_no
)

select
    branch_code,
    business_date,
    source_code,
    sum(committed_vnd)::bigint as committed_not_received_vnd
from open_decisions
group by branch_code, business_date, source_code
