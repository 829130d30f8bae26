-- One row a delivery, customer and value date with money lent, reversals netted. Kept for the counts of later dates.
{{ config(materialized="unit_rows", meta={"part": "flows", "kept": true, "single": true}) }}

select
    delivery_id,
    customer_id,
    value_date,
    sum(amount_vnd)::bigint as disbursed_vnd
from {{ ref('stg_loan_transactions') }}
where delivery_id in {{ delivery_ids("flows") }} and kind = 'disbursement'
group by delivery_id, customer_id, value_date
