-- One row a kind of depositor, office and commune of a delivery.
select
    delivery_id,
    kind,
    office_code,
    commune_code,
    balance_vnd
from {{ source('raw', 'deposits') }}
