-- Law 3: readers of the marts see every part of what the last whole build saw, where its rows are loaded.
with newest as (
    select * from meta.builds where flipped_at is not null order by build_id desc limit 1
)

select
    format('%s of branch %s on %s', w.part, w.branch_code, w.business_date),
    case when u.part is null then format('build %s saw it, and readers do not', n.build_id) end
from newest as n
cross join lateral meta.wanted_units(n.ledger_entry_no, n.calculation_version) as w
left join meta.current_units as u
    on w.part = u.part and w.branch_code = u.branch_code and w.business_date = u.business_date
where
    n.is_last
    and n.reference_version = meta.reference_version()
    and not exists (
        select from unnest(w.reads) as needed (delivery_id)
        where not exists (
            select from meta.loads as l
            where l.delivery_id = needed.delivery_id and (w.part = 'flows' or l.retired_at is null)
        )
    )
