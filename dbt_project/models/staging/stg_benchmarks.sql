-- One row an indicator, scope, date and basis of a published figure.
select
    indicator,
    scope,
    as_of,
    basis,
    value,
    unit,
    source,
    note
from {{ source('meta', 'benchmarks') }}
