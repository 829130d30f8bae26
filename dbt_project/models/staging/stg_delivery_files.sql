-- One row a file of a delivery, with what its manifest declared.
select
    delivery_id,
    dataset,
    row_count,
    control_totals
from {{ source('meta', 'delivery_files') }}
