-- One row a commune (commune_code, valid_from) and commune that has held its territory, itself first, with the days on
-- which it did.
{{ config(materialized="unit_rows", meta={"part": "dimensions"}) }}

with recursive communes as (
    select
        commune_code,
        valid_from,
        -- Until its code is given to another commune, a dissolved one is known by it.
        coalesce(
            lead(valid_from) over (partition by commune_code order by valid_from) - 1, 'infinity'::date
        ) as known_until
    from {{ ref('stg_communes') }}
),

successions as (
    select * from {{ ref('stg_commune_successions') }} where is_default
),

-- A commune that was split goes to the list's default successor, and is flagged from there on.
chain as (
    select
        commune_code,
        valid_from,
        known_until,
        commune_code as holder_code,
        valid_from as held_from,
        false as is_approximate_succession
    from communes
    union all
    select
        chain.commune_code,
        chain.valid_from,
        chain.known_until,
        successions.new_code as holder_code,
        successions.new_valid_from as held_from,
        chain.is_approximate_succession or successions.is_split as is_approximate_succession
    from chain
    inner join successions on chain.holder_code = successions.old_code and chain.held_from = successions.old_valid_from
)

select
    commune_code,
    valid_from,
    known_until,
    holder_code,
    held_from,
    coalesce(
        lead(held_from) over (partition by commune_code, valid_from order by held_from) - 1, 'infinity'::date
    ) as held_until,
    is_approximate_succession
from chain
