-- One row a commune, key (commune_code, valid_from): most communes of 2025 re-use an old code.
{{ config(meta={"part": "dimensions", "branch_column": none}) }}

with communes as (
    select * from {{ ref('stg_communes') }}
),

successions as (
    select * from {{ ref('stg_commune_successions') }} where is_default
),

territory as (
    select * from {{ ref('int_commune_territory') }}
),

branches as (
    select * from {{ ref('int_branch_territory') }}
)

select
    communes.commune_code,
    communes.valid_from,
    communes.valid_to,
    communes.name_vi,
    communes.name_en,
    communes.commune_kind,
    successions.new_code as successor,
    successions.new_valid_from as successor_valid_from,
    coalesce(successions.is_split, false) as is_split,
    territory.current_commune_code,
    territory.is_approximate_succession,
    communes.branch_code,
    branches.current_branch_code
from communes
inner join territory
    on communes.commune_code = territory.commune_code and communes.valid_from = territory.valid_from
inner join branches
    on communes.branch_code = branches.branch_code and communes.branch_valid_from = branches.valid_from
left join successions
    on communes.commune_code = successions.old_code and communes.valid_from = successions.old_valid_from
