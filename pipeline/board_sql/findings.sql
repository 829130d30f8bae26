-- The first findings of each delivery on the board, those that hold it before those that warn; values as they are
-- masked on record.
select delivery_id, dataset, row_no, column_name, rule, severity, value, message
from (
    select
        f.*,
        row_number() over (
            partition by f.delivery_id order by f.severity, f.dataset, f.row_no nulls first, f.column_name, f.rule
        ) as place
    from unnest(%(ids)s::bigint []) as wanted (delivery_id)
    inner join meta.findings as f on wanted.delivery_id = f.delivery_id
    left join lateral (
        select l.opening from meta.ledger as l where l.delivery_id = wanted.delivery_id order by l.entry_no desc limit 1
    ) as last on true
    where f.opening is null or f.opening = last.opening
) as ranked
where place <= %(most)s
order by delivery_id, place
