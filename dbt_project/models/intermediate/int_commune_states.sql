-- One row a delivery and commune of its loan book. Kept, because the nation and later builds of a date ask it again.
{{ config(materialized="unit_rows", meta={"part": "state", "kept": true}) }}

select
    delivery_id,
    commune_code,
    sum(overdue_vnd)::bigint as overdue_vnd
from {{ ref('int_loan_groups') }}
group by delivery_id, commune_code
