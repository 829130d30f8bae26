-- One row a commune, key (commune_code, valid_from).
select
    commune_code,
    valid_from,
    valid_to,
    name_vi,
    name_en,
    kind as commune_kind,
    branch_code,
    branch_valid_from
from {{ source('meta', 'communes') }}
