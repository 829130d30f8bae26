-- One row a commune (commune_code, valid_from), with the commune that holds its territory today.
{{ config(materialized="unit_rows", meta={"part": "dimensions"}) }}

select
    commune_code,
    valid_from,
    holder_code as current_commune_code,
    is_approximate_succession,
    known_until
from {{ ref('int_commune_holders') }}
where held_until = 'infinity'
