-- One row a credit programme.
{{ config(meta={"part": "dimensions", "branch_column": none}) }}

with programmes as (
    select * from {{ ref('stg_programmes') }}
)

select
    programme_code,
    name_vi,
    name_en,
    legal_basis,
    status
from programmes
