-- One row an organisation that lending is entrusted to, and NONE for direct lending.
{{ config(meta={"part": "dimensions", "branch_column": none}) }}

with organisations as (
    select * from {{ ref('stg_organisations') }}
)

select
    organisation_code,
    name_vi,
    name_en
from organisations
