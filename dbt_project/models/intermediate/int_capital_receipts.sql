-- One row a delivery, value date, place, programme and local source: entrusted capital received. Kept for later dates.
{{ config(materialized="unit_rows", meta={"part": "flows", "kept": true}) }}

with sources as (
    select * from {{ ref('stg_capital_sources') }} where tier = 'local'
),

receipts as (
    select * from {{ ref('stg_capital_transactions') }}
    where delivery_id in {{ delivery_ids("flows") }} and kind = 'received'
)

select
    receipts.delivery_id,
    receipts.value_date,
    receipts.office_code,
    receipts.commune_code,
    receipts.programme_code,
    receipts.source_code,
    sum(receipts.amount_vnd)::bigint as received_vnd
from receipts
inner join sources on receipts.source_code = sources.source_code
group by
    receipts.delivery_id,
    receipts.value_date,
    receipts.office_code,
    receipts.commune_code,
    receipts.programme_code,
    receipts.source_code
