-- One row a savings-and-credit group of a delivery; without its leader, a person.
select
    delivery_id,
    branch_code,
    business_date,
    group_code,
    office_code,
    commune_code,
    hamlet_code,
    point_code,
    organisation_code,
    members,
    founded_on,
    grade,
    graded_month,
    status
from {{ source('raw', 'savings_groups') }}
