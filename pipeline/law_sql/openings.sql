-- Every visible delivery that is not provisional, with the deliveries that it follows, where the rows of all are loaded.
select
    v.delivery_id,
    array_agg(o.delivery_id order by o.delivery_id) as opening
from meta.visible_deliveries as v
inner join meta.branch_families as f on v.branch_code = f.head_code and v.branch_valid_from = f.head_valid_from
inner join meta.visible_deliveries as o
    on
        f.branch_code = o.branch_code
        and f.valid_from = o.branch_valid_from
        and o.business_date = v.previous_business_date
where not v.is_provisional
group by v.delivery_id
having not exists (
    select from meta.loads as l
    where l.delivery_id = any (array_agg(o.delivery_id) || v.delivery_id) and l.retired_at is not null
)
order by v.delivery_id
