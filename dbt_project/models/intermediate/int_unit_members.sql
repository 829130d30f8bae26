-- One row a unit (a branch or the nation, and a date) and branch that makes it: itself, or all that readers see.
{{ config(materialized="unit_rows", meta={"part": ["history", "nation"]}) }}

with units as (
    select * from {{ ref('int_units') }} where part in ('history', 'nation')
),

branches as (
    select * from {{ ref('stg_shown_units') }} where part = 'history'
)

select
    units.branch_code,
    units.business_date,
    branches.branch_code as member_code,
    branches.branch_valid_from as member_valid_from,
    branches.delivery_id,
    branches.is_provisional,
    branches.offices_delivered,
    branches.offices_expected
from units
inner join branches
    on
        units.business_date = branches.business_date
        and (units.part = 'nation' or units.branch_code = branches.branch_code)
