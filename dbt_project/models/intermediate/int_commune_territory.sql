-- One row a commune (commune_code, valid_from), with the commune that holds its territory today.
{{ config(materialized="unit_rows", meta={"part": "dimensions"}) }}

with recursive communes as (
    select * from {{ ref('stg_communes') }}
),

successions as (
    select * from {{ ref('stg_commune_successions') }} where is_default
),

-- A commune that was split goes to the list's default successor, and is flagged from there on.
chain as (
    select
        commune_code,
        valid_from,
        commune_code as current_commune_code,
        valid_from as current_valid_from,
        false as is_approximate_succession
    from communes
    union all
    select
        chain.commune_code,
        chain.valid_from,
        successions.new_code as current_commune_code,
        successions.new_valid_from as current_valid_from,
        chain.is_approximate_succession or successions.is_split as is_approximate_succession
    from chain
    inner join successions
        on chain.current_commune_code = successions.old_code and chain.current_valid_from = successions.old_valid_from
)

select
    chain.commune_code,
    chain.valid_from,
    chain.current_commune_code,
    chain.is_approximate_succession,
    -- Until its code is given to another commune, a dissolved one is known by it.
    coalesce(
        lead(chain.valid_from) over (partition by chain.commune_code order by chain.valid_from) - 1, 'infinity'::date
    ) as known_until
from chain
left join successions
    on chain.current_commune_code = successions.old_code and chain.current_valid_from = successions.old_valid_from
where successions.old_code is null
