-- One row a transaction of a loan.
select
    delivery_id,
    txn_id,
    contract_no,
    customer_id,
    office_code,
    value_date,
    kind,
    bucket,
    amount_vnd,
    programme_code,
    source_code,
    commune_code,
    reverses_txn_id
from {{ source('raw', 'loan_transactions') }}
