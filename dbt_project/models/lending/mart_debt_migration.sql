-- One row a quarter (by its last day), branch, state at the end of the quarter before and state at its own end.
{{ config(meta={"part": "migration"}) }}

with units as (
    select * from {{ ref('int_units') }} where part = 'migration'
),

migration as (
    select * from {{ ref('int_debt_migration') }}
)

select
    units.business_date,
    {{ quarter_code("date_trunc('quarter', units.business_date) - interval '1 day'") }} as from_quarter,
    {{ quarter_code("units.business_date") }} as to_quarter,
    units.branch_code,
    units.current_branch_code,
    migration.from_state,
    migration.to_state,
    units.is_provisional,
    migration.loans,
    migration.outstanding_from_vnd,
    migration.outstanding_to_vnd
from migration
inner join units on migration.branch_code = units.branch_code and migration.business_date = units.business_date
