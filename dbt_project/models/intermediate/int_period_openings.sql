-- One row a unit and opening (year, quarter): the outstanding of its territory then, where that exact date is visible.
{{ config(materialized="unit_rows", meta={"part": ["history", "nation"]}) }}

with members as (
    select * from {{ ref('int_unit_members') }}
),

families as (
    select * from {{ ref('stg_branch_families') }}
),

branches as (
    select * from {{ ref('stg_branches') }}
),

deliveries as (
    select * from {{ ref('stg_shown_units') }} where part = 'state'
),

states as (
    select * from {{ ref('int_branch_states') }}
),

openings as (
    select
        members.branch_code,
        members.business_date,
        members.member_code,
        members.member_valid_from,
        period.opening,
        (date_trunc(period.opening, members.business_date) - interval '1 day')::date as opening_on
    from members
    cross join (values ('year'), ('quarter')) as period (opening)
)

-- All branches that held the territory then must be visible: part of it is not the opening.
select
    openings.branch_code,
    openings.business_date,
    openings.opening,
    case when count(*) = count(states.delivery_id) then sum(states.outstanding_vnd)::bigint end as outstanding_vnd
from openings
inner join families
    on openings.member_code = families.head_code and openings.member_valid_from = families.head_valid_from
inner join branches
    on
        families.branch_code = branches.branch_code
        and families.valid_from = branches.valid_from
        and openings.opening_on between branches.valid_from and coalesce(branches.valid_to, 'infinity'::date)
left join deliveries
    on
        families.branch_code = deliveries.branch_code
        and families.valid_from = deliveries.branch_valid_from
        and openings.opening_on = deliveries.business_date
left join states on deliveries.delivery_id = states.delivery_id
group by openings.branch_code, openings.business_date, openings.opening
