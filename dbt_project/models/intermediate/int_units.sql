-- One row a unit of the running build, with the branch that stands in the place of its branch today.
with units as (
    select * from {{ ref('stg_units') }}
),

territory as (
    select * from {{ ref('int_branch_territory') }}
)

select
    units.part,
    units.branch_code,
    units.branch_valid_from,
    territory.current_branch_code,
    units.business_date,
    units.delivery_id,
    units.is_provisional,
    units.offices_expected,
    units.offices_delivered
from units
left join territory
    on units.branch_code = territory.branch_code and units.branch_valid_from = territory.valid_from
