-- One row a delivery and value date: lending turnover and collection of the branch. Kept for the sums of later dates.
{{ config(materialized="unit_rows", meta={"part": "flows", "kept": true}) }}

select
    delivery_id,
    value_date,
    sum(disbursed_vnd)::bigint as disbursed_vnd,
    sum(collected_vnd)::bigint as collected_vnd
from {{ ref('int_lending_flows') }}
where delivery_id in {{ delivery_ids("flows") }}
group by delivery_id, value_date
