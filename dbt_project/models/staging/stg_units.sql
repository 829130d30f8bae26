-- One row a unit that the running build makes anew, with the delivery that it is about (none for units without one).
select
    unit.part,
    unit.branch_code,
    delivery.branch_valid_from,
    unit.business_date,
    unit.delivery_id,
    unit.is_provisional,
    delivery.offices_expected,
    delivery.offices_delivered
from {{ source('meta', 'build_units') }} as unit
left join {{ source('meta', 'deliveries') }} as delivery on unit.delivery_id = delivery.delivery_id
where
    unit.build_id = (select running.build_id from {{ source('meta', 'running_build') }} as running)
    and unit.fingerprint is not null
