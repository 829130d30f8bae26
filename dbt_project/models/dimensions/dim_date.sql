-- One row a calendar date.
{{ config(meta={"part": "dimensions", "branch_column": none}) }}

with dates as (
    select generated.day::date as calendar_date
    from generate_series('2000-01-01'::date, '2060-12-31'::date, interval '1 day') as generated (day)
)

select
    calendar_date,
    extract(year from calendar_date)::integer as calendar_year,
    extract(quarter from calendar_date)::integer as quarter_of_year,
    extract(month from calendar_date)::integer as month_of_year,
    extract(isodow from calendar_date)::integer as day_of_week,
    {{ quarter_code("calendar_date") }} as quarter_code,
    to_char(calendar_date, 'YYYY-MM') as month_code,
    date_trunc('month', calendar_date)::date as month_start_on,
    date_trunc('quarter', calendar_date)::date as quarter_start_on,
    date_trunc('year', calendar_date)::date as year_start_on,
    date_trunc('month', calendar_date + 1)::date = calendar_date + 1 as is_month_end,
    date_trunc('quarter', calendar_date + 1)::date = calendar_date + 1 as is_quarter_end
from dates
