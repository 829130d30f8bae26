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
-- What the ledger has weighed is on record with the entry that it made of it, or with none.
select
    format('delivery %s', w.delivery_id),
    case when not exists (select from meta.ledger as l where l.delivery_id = w.delivery_id) then
        'it was weighed, but the ledger does not know it'
    end
from meta.weighed_intakes as w
