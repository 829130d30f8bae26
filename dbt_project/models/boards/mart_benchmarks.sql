-- One row an indicator, scope, date and basis of a published figure: figures of another basis are other rows.
{{ config(meta={"part": "dimensions", "branch_column": none}) }}

with benchmarks as (
    select * from {{ ref('stg_benchmarks') }}
)

select
    indicator,
    scope,
    as_of,
    basis,
    value,
    unit,
    source,
    note
from benchmarks
