-- One row a savings-and-credit group, as the newest delivery of its branch lists it; without its leader, a person.
{{ config(meta={"part": "registers", "branch_column": "current_branch_code"}) }}

with savings_groups as (
    select * from {{ ref('int_savings_groups_newest') }}
),

communes as (
    select * from {{ ref('int_commune_territory') }}
)

select
    savings_groups.group_code,
    savings_groups.office_code,
    savings_groups.branch_code,
    savings_groups.current_branch_code,
    savings_groups.commune_code,
    coalesce(communes.current_commune_code, savings_groups.commune_code) as current_commune_code,
    coalesce(communes.is_approximate_succession, false) as is_approximate_succession,
    savings_groups.hamlet_code,
    savings_groups.point_code,
    savings_groups.organisation_code,
    savings_groups.members,
    savings_groups.founded_on,
    savings_groups.grade,
    savings_groups.graded_month,
    savings_groups.status
from savings_groups
left join communes
    on
        savings_groups.commune_code = communes.commune_code
        and savings_groups.business_date between communes.valid_from and communes.known_until
