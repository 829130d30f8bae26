-- One row a savings-and-credit group of the branches whose registers the running build makes anew.
{{ config(materialized="unit_rows", meta={"part": "registers"}) }}

with savings_groups as (
    select * from {{ ref('stg_savings_groups') }} where delivery_id in {{ delivery_ids("registers") }}
),

branches as (
    select * from {{ ref('int_branch_territory') }}
)

select distinct on (branches.current_branch_code, savings_groups.group_code)
    savings_groups.group_code,
    savings_groups.office_code,
    savings_groups.branch_code,
    savings_groups.commune_code,
    savings_groups.business_date,
    savings_groups.hamlet_code,
    savings_groups.point_code,
    savings_groups.organisation_code,
    savings_groups.members,
    savings_groups.founded_on,
    savings_groups.grade,
    savings_groups.graded_month,
    savings_groups.status,
    branches.current_branch_code
from savings_groups
inner join branches
    on
        savings_groups.branch_code = branches.branch_code
        and savings_groups.business_date between branches.valid_from and coalesce(branches.valid_to, 'infinity'::date)
order by branches.current_branch_code asc, savings_groups.group_code asc, savings_groups.business_date desc
