-- One row a unit: customers who were lent money, net of reversals, since the start of quarter and year.
{{ config(materialized="unit_rows", meta={"part": ["history", "nation"]}) }}

with unit_deliveries as (
    select * from {{ ref('int_unit_deliveries') }}
),

disbursements as (
    select * from {{ ref('int_customer_disbursements') }}
),

customers as (
    select
        unit_deliveries.branch_code,
        unit_deliveries.business_date,
        sum(disbursements.disbursed_vnd) as disbursed_ytd_vnd,
        sum(disbursements.disbursed_vnd) filter (
            where disbursements.value_date >= unit_deliveries.quarter_start_on
        ) as disbursed_qtd_vnd
    from unit_deliveries
    inner join disbursements
        on
            unit_deliveries.delivery_id = disbursements.delivery_id
            and disbursements.value_date >= unit_deliveries.year_start_on
    group by unit_deliveries.branch_code, unit_deliveries.business_date, disbursements.customer_id
)

select
    branch_code,
    business_date,
    count(*) filter (where disbursed_qtd_vnd > 0) as borrowers_reached_qtd,
    count(*) filter (where disbursed_ytd_vnd > 0) as borrowers_reached_ytd
from customers
group by branch_code, business_date
