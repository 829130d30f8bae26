-- One row a credit programme.
select
    programme_code,
    name_vi,
    name_en,
    legal_basis,
    status
from {{ source('meta', 'programmes') }}
