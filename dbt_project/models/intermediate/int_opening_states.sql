-- One row a delivery of a month-end, scope, programme and source: balances. Kept for targets that begin or end there.
{{ config(materialized="unit_rows", meta={"part": "state", "kept": true}) }}

with states as (
    select * from {{ ref('int_scope_states') }}
),

month_ends as (
    select * from {{ ref('int_units') }} where part = 'state' and extract(day from business_date + 1) = 1
)

select
    states.delivery_id,
    states.scope_kind,
    states.scope_code,
    states.programme_code,
    states.source_code,
    states.outstanding_vnd,
    states.overdue_vnd,
    states.frozen_vnd,
    states.capital_total_vnd,
    states.local_vnd,
    states.deposits_vnd
from states
inner join month_ends on states.delivery_id = month_ends.delivery_id
