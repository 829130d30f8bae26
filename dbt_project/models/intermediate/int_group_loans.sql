-- One row a delivery of a month-end and savings-and-credit group with loans: what its members owe.
{{ config(materialized="unit_rows", meta={"part": "state", "single": true}) }}

with month_ends as (
    select * from {{ ref('int_units') }} where part = 'state' and extract(day from business_date + 1) = 1
),

loans as (
    select * from {{ ref('int_loans') }} where delivery_id in {{ delivery_ids("state") }} and group_code is not null
)

select
    loans.delivery_id,
    loans.group_code,
    count(*) as loans,
    sum(loans.outstanding_vnd)::bigint as outstanding_vnd,
    sum(loans.overdue_vnd)::bigint as overdue_vnd
from loans
where loans.delivery_id in (select month_ends.delivery_id from month_ends)
group by loans.delivery_id, loans.group_code
