-- Law 5: every change of state has exactly one entry.
with told as (
    select
        *,
        row(verdict, sets_visible, visible_delivery_id, held_because) is not distinct from
        row(lag(verdict) over w, lag(sets_visible) over w, lag(visible_delivery_id) over w, lag(held_because) over w)
            as says_nothing_new
    from (select *, case when verdict = 'held' then reason end as held_because from meta.ledger) as entry
    where delivery_id is not null
    window w as (partition by delivery_id order by entry_no)
),

refusals as (
    select
        detail ->> 'path' as path,
        array_agg(entry_no order by entry_no) as entries
    from meta.ledger
    where verdict = 'refused' and delivery_id is null
    group by detail ->> 'path', detail ->> 'fingerprint'
),

judged as (
    select
        i.delivery_id,
        i.evaluated_at,
        f.head_code,
        f.head_valid_from,
        exists (select from meta.ledger as l where l.delivery_id = i.delivery_id) as is_told
    from meta.intakes as i
    inner join meta.deliveries as d on i.delivery_id = d.delivery_id
    inner join meta.branch_families as f on d.branch_code = f.branch_code and d.branch_valid_from = f.valid_from
    where f.is_current
)

select
    format('delivery %s', delivery_id),
    case when says_nothing_new then format('entry %s repeats what its entry before says', entry_no) end
from told
union all
select
    format('refusal of %s', path),
    case when cardinality(entries) > 1 then format('entries %s tell of one look', entries) end
from refusals
union all
-- Just judged, it may still be on its way to the ledger; passed over by a decision on its family, it is forgotten.
select
    format('delivery %s', j.delivery_id),
    case when not j.is_told and exists (
        select from judged as later
        where
            later.head_code = j.head_code
            and later.head_valid_from = j.head_valid_from
            and later.evaluated_at > j.evaluated_at
            and later.is_told
    ) then 'it was judged, but the ledger does not know it' end
from judged as j
