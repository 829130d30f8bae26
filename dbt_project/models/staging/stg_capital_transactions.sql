-- One row a decision about capital or a movement of it.
select
    delivery_id,
    entry_id,
    source_code,
    office_code,
    value_date,
    kind,
    amount_vnd,
    decision_no,
    programme_code,
    commune_code
from {{ source('raw', 'capital_transactions') }}
