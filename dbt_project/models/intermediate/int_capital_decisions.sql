-- One row a delivery, source and decision: what was decided, and received of it. Kept for the sums of later dates.
{{ config(materialized="unit_rows", meta={"part": "flows", "kept": true}) }}

select
    delivery_id,
    source_code,
    decision_no,
    coalesce(sum(amount_vnd) filter (where kind = 'decision'), 0)::bigint as decided_vnd,
    coalesce(sum(amount_vnd) filter (where kind = 'received'), 0)::bigint as received_vnd
from {{ ref('stg_capital_transactions') }}
where delivery_id in {{ delivery_ids("flows") }} and kind in ('decision', 'received')
group by delivery_id, source_code, decision_no
