-- One row a branch and date of the build that lies inside a published interval.
{{ config(materialized="unit_rows", meta={"part": "status"}) }}

with dates as (
    select * from {{ ref('int_status_dates') }}
),

families as (
    select * from {{ ref('stg_branch_families') }}
),

deliveries as (
    select * from {{ ref('stg_visible_deliveries') }}
)

-- The first delivery after a merger may reach back to days of the branches that were merged.
select distinct
    families.branch_code,
    families.valid_from as branch_valid_from,
    dates.business_date
from dates
inner join deliveries
    on
        dates.business_date <= deliveries.business_date
        and dates.business_date > coalesce(deliveries.previous_business_date, deliveries.business_date - 1)
inner join families
    on deliveries.branch_code = families.head_code and deliveries.branch_valid_from = families.head_valid_from
