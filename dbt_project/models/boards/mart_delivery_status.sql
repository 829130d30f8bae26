-- One row a calendar date and branch that existed on it, whether or not anything came.
{{ config(meta={"part": "status", "branch_column": none}) }}

with dates as (
    select * from {{ ref('int_status_dates') }}
),

branches as (
    select * from {{ ref('int_branch_territory') }}
),

arrivals as (
    select * from {{ ref('int_arrivals') }}
),

coverage as (
    select * from {{ ref('int_coverage') }}
),

published as (
    select * from {{ ref('int_published') }}
)

select
    dates.business_date,
    branches.branch_code,
    branches.current_branch_code,
    true as expected,
    coverage.business_date is not null as covered,
    arrivals.arrived_at,
    arrivals.verdict,
    arrivals.revision,
    published.revision as published_revision,
    arrivals.rows,
    arrivals.findings,
    case
        when arrivals.arrived_at is not null then arrivals.arrived_at > {{ delivery_deadline("dates.business_date") }}
        else coverage.business_date is null and dates.is_past
    end as is_late,
    arrivals.offices_missing,
    published.published_at,
    coalesce(published.is_provisional, false) as is_provisional
from dates
inner join branches
    on dates.business_date between branches.valid_from and coalesce(branches.valid_to, 'infinity'::date)
left join arrivals on dates.business_date = arrivals.business_date and branches.branch_code = arrivals.branch_code
left join published on dates.business_date = published.business_date and branches.branch_code = published.branch_code
left join coverage
    on
        dates.business_date = coverage.business_date
        and branches.branch_code = coverage.branch_code
        and branches.valid_from = coverage.branch_valid_from
