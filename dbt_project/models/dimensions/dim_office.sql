-- One row an office, as the newest delivery of its branch lists it.
{{ config(meta={"part": "registers", "branch_column": "current_branch_code"}) }}

with offices as (
    select * from {{ ref('int_offices_newest') }}
),

communes as (
    select * from {{ ref('int_commune_territory') }}
)

select
    offices.office_code,
    offices.office_name,
    offices.office_kind,
    offices.branch_code,
    offices.current_branch_code,
    offices.commune_code,
    coalesce(communes.current_commune_code, offices.commune_code) as current_commune_code,
    coalesce(communes.is_approximate_succession, false) as is_approximate_succession,
    offices.opened_on,
    offices.closed_on
from offices
left join communes
    on
        offices.commune_code = communes.commune_code
        and offices.business_date between communes.valid_from and communes.known_until
