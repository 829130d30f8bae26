-- One row a unit (branch and last day of a quarter) and delivery of its territory for the quarter's last day before.
with reads as (
    select * from {{ ref('stg_unit_reads') }} where part = 'migration'
),

units as (
    select * from {{ ref('int_units') }} where part = 'migration'
)

select
    units.branch_code,
    units.business_date,
    reads.delivery_id
from units
inner join reads
    on
        units.branch_code = reads.branch_code
        and units.business_date = reads.business_date
        and units.delivery_id <> reads.delivery_id
