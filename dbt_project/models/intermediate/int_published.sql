-- One row a branch and date of the build of which something is visible.
{{ config(materialized="unit_rows", meta={"part": "status"}) }}

with dates as (
    select * from {{ ref('int_status_dates') }}
),

deliveries as (
    select * from {{ ref('stg_visible_deliveries') }}
),

ledger as (
    select * from {{ ref('stg_ledger') }} where sets_visible
)

select
    deliveries.branch_code,
    deliveries.business_date,
    deliveries.revision,
    deliveries.is_provisional,
    min(ledger.at) as published_at
from dates
inner join deliveries on dates.business_date = deliveries.business_date
inner join ledger on deliveries.delivery_id = ledger.visible_delivery_id
group by deliveries.branch_code, deliveries.business_date, deliveries.revision, deliveries.is_provisional
