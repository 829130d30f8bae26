-- One row a date whose delivery status the running build makes anew.
with units as (
    select * from {{ ref('int_units') }} where part = 'status'
),

newest as (
    select meta.newest_business_date(ledger_entry_no) as business_date from {{ source('meta', 'running_build') }}
)

select
    units.business_date,
    -- Something later is visible already, so what has not come is late; nothing is, where nothing ever was visible.
    coalesce(units.business_date < newest.business_date, false) as is_past
from units
cross join newest
