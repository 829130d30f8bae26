-- One row a delivery: its borrowers, each counted once however many loans they have.
{{ config(materialized="unit_rows", meta={"part": "state", "single": true}) }}

with customers as (
    select
        delivery_id,
        customer_id
    from {{ ref('int_loans') }}
    where delivery_id in {{ delivery_ids("state") }}
    group by delivery_id, customer_id
)

select
    delivery_id,
    count(*) as borrowers
from customers
group by delivery_id
