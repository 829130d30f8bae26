-- One row an office of the branches whose registers the running build makes anew.
{{ config(materialized="unit_rows", meta={"part": "registers"}) }}

with offices as (
    select * from {{ ref('stg_offices') }} where delivery_id in {{ delivery_ids("registers") }}
),

branches as (
    select * from {{ ref('int_branch_territory') }}
)

select distinct on (branches.current_branch_code, offices.office_code)
    offices.office_code,
    offices.office_name,
    offices.office_kind,
    offices.branch_code,
    offices.commune_code,
    offices.business_date,
    offices.opened_on,
    offices.closed_on,
    branches.current_branch_code
from offices
inner join branches
    on
        offices.branch_code = branches.branch_code
        and offices.business_date between branches.valid_from and coalesce(branches.valid_to, 'infinity'::date)
order by branches.current_branch_code asc, offices.office_code asc, offices.business_date desc
