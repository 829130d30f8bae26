-- One row a unit: lending turnover and collection since the start of quarter and year, null where intervals are broken.
{{ config(materialized="unit_rows", meta={"part": ["history", "nation"]}) }}

with unit_deliveries as (
    select * from {{ ref('int_unit_deliveries') }}
),

lending_days as (
    select * from {{ ref('int_lending_days') }}
),

-- Without a break after a period's start, each delivery follows a visible one, back to one before that start.
coverage as (
    select
        branch_code,
        business_date,
        not bool_or(is_break and delivered_for >= quarter_start_on) as is_quarter_covered,
        not bool_or(is_break) as is_year_covered
    from unit_deliveries
    group by branch_code, business_date
),

flows as (
    select
        unit_deliveries.branch_code,
        unit_deliveries.business_date,
        sum(lending_days.disbursed_vnd) as disbursed_ytd_vnd,
        sum(lending_days.collected_vnd) as collected_ytd_vnd,
        sum(lending_days.disbursed_vnd) filter (
            where lending_days.value_date >= unit_deliveries.quarter_start_on
        ) as disbursed_qtd_vnd,
        sum(lending_days.collected_vnd) filter (
            where lending_days.value_date >= unit_deliveries.quarter_start_on
        ) as collected_qtd_vnd
    from unit_deliveries
    inner join lending_days
        on
            unit_deliveries.delivery_id = lending_days.delivery_id
            and lending_days.value_date >= unit_deliveries.year_start_on
    group by unit_deliveries.branch_code, unit_deliveries.business_date
)

select
    coverage.branch_code,
    coverage.business_date,
    coverage.is_quarter_covered,
    coverage.is_year_covered,
    case when coverage.is_quarter_covered then coalesce(flows.disbursed_qtd_vnd, 0)::bigint end as disbursed_qtd_vnd,
    case when coverage.is_year_covered then coalesce(flows.disbursed_ytd_vnd, 0)::bigint end as disbursed_ytd_vnd,
    case when coverage.is_quarter_covered then coalesce(flows.collected_qtd_vnd, 0)::bigint end as collected_qtd_vnd,
    case when coverage.is_year_covered then coalesce(flows.collected_ytd_vnd, 0)::bigint end as collected_ytd_vnd
from coverage
left join flows
    on coverage.branch_code = flows.branch_code and coverage.business_date = flows.business_date
