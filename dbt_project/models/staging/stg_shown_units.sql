-- One row a unit as readers will see it once the running build has flipped, with the delivery that it is about.
with running as (
    select build_id from {{ source('meta', 'running_build') }}
),

made as (
    select * from {{ source('meta', 'build_units') }}
),

shown as (
    select
        unit.part,
        unit.branch_code,
        unit.business_date,
        unit.build_id
    from {{ source('meta', 'current_units') }} as unit
    where (unit.part, unit.branch_code, unit.business_date) not in (
        select
            made.part,
            made.branch_code,
            made.business_date
        from made
        inner join running on made.build_id = running.build_id
    )
    union all
    select
        made.part,
        made.branch_code,
        made.business_date,
        made.build_id
    from made
    where made.build_id = (select running.build_id from running) and made.fingerprint is not null
)

select
    shown.part,
    shown.branch_code,
    delivery.branch_valid_from,
    shown.business_date,
    made.delivery_id,
    made.is_provisional,
    delivery.previous_business_date,
    delivery.offices_expected,
    delivery.offices_delivered
from shown
inner join made
    on
        shown.build_id = made.build_id
        and shown.part = made.part
        and shown.branch_code = made.branch_code
        and shown.business_date = made.business_date
left join {{ source('meta', 'deliveries') }} as delivery on made.delivery_id = delivery.delivery_id
