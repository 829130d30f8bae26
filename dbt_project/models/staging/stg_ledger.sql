-- One row a change of state, as far as the running build reads the ledger.
select
    ledger.entry_no,
    ledger.at,
    ledger.branch_code,
    ledger.business_date,
    ledger.revision,
    ledger.delivery_id,
    ledger.verdict,
    ledger.sets_visible,
    ledger.visible_delivery_id,
    ledger.opening
from {{ source('meta', 'ledger') }} as ledger
where ledger.entry_no <= (select running.ledger_entry_no from {{ source('meta', 'running_build') }} as running)
