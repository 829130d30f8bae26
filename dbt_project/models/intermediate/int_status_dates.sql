-- One row a date whose delivery status the running build makes anew.
with units as (
    select * from {{ ref('int_units') }} where part = 'status'
),

deliveries as (
    select * from {{ ref('stg_visible_deliveries') }}
)

select
    business_date,
    -- Something later is visible already, so what has not come is late; nothing is, where nothing ever was visible.
    coalesce(business_date < (select max(deliveries.business_date) from deliveries), false) as is_past
from units
