-- One row a unit that the running build makes anew and delivery whose rows it reads.
select
    unit.part,
    unit.branch_code,
    unit.business_date,
    unit.is_provisional,
    needed.delivery_id
from {{ source('meta', 'build_units') }} as unit
cross join lateral unnest(unit.reads) as needed (delivery_id)
where
    unit.build_id = (select running.build_id from {{ source('meta', 'running_build') }} as running)
    and unit.fingerprint is not null
