-- One row an organisation that lending is entrusted to.
select
    organisation_code,
    name_vi,
    name_en
from {{ source('meta', 'organisations') }}
