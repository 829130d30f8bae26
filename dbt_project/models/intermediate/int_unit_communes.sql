-- One row a unit (a branch or the nation, and a date): communes in its loan books, and those without overdue debt.
{{ config(materialized="unit_rows", meta={"part": ["history", "nation"]}) }}

with members as (
    select * from {{ ref('int_unit_members') }}
),

states as (
    select * from {{ ref('int_commune_states') }}
),

communes as (
    select
        members.branch_code,
        members.business_date,
        states.commune_code,
        sum(states.overdue_vnd) as overdue_vnd
    from members
    inner join states on members.delivery_id = states.delivery_id
    group by members.branch_code, members.business_date, states.commune_code
)

select
    branch_code,
    business_date,
    count(*) as communes,
    count(*) filter (where overdue_vnd = 0) as clean_communes
from communes
group by branch_code, business_date
