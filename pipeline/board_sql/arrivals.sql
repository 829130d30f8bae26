-- The last arrival for each branch and date of the board, that of the highest revision, as mart_delivery_status has it.
with latest as (
    select distinct on (branch_code, business_date, coalesce(delivery_id, -entry_no))
        entry_no,
        at,
        branch_code,
        business_date,
        revision,
        delivery_id,
        verdict,
        opening,
        reason,
        detail
    from meta.ledger
    where verdict <> 'duplicate' and revision is not null and business_date = any(%(dates)s)
    order by branch_code asc, business_date asc, coalesce(delivery_id, -entry_no) asc, entry_no desc
),

last_arrivals as (
    select distinct on (branch_code, business_date) *
    from latest
    order by
        branch_code asc,
        business_date asc,
        revision desc,
        array_position(array['published', 'published_with_warnings', 'provisional', 'held', 'refused'], verdict) asc,
        entry_no desc
)

select
    a.branch_code,
    a.business_date,
    a.revision,
    a.verdict,
    a.reason,
    a.delivery_id,
    coalesce(d.received_at, a.at) as arrived_at,
    first.received_at as first_arrived_at,
    (select sum(f.row_count)::bigint from meta.delivery_files as f where f.delivery_id = a.delivery_id) as rows,
    coalesce(n.errors, 0) + case when a.verdict = 'refused' then 1 else 0 end as errors,
    coalesce(n.warnings, 0) as warnings,
    extract(epoch from judged.at - d.received_at)::float as seconds,
    i.could_not_run,
    a.opening,
    a.detail
from last_arrivals as a
left join meta.deliveries as d on a.delivery_id = d.delivery_id
left join meta.intakes as i on a.delivery_id = i.delivery_id
left join lateral (
    select min(e.received_at) as received_at from meta.deliveries as e
    where e.branch_code = a.branch_code and e.business_date = a.business_date
) as first on true
left join lateral (
    select min(l.at) as at from meta.ledger as l where l.delivery_id = a.delivery_id
) as judged on true
left join lateral (
    select
        count(*) filter (where severity = 'error') as errors,
        count(*) filter (where severity = 'warning') as warnings
    from (
        select f.severity from meta.findings as f
        where f.delivery_id = a.delivery_id and (f.opening is null or f.opening = a.opening)
        union all
        select j ->> 'severity' from jsonb_array_elements(coalesce(a.detail -> 'findings', '[]')) as j
    ) as told
) as n on true
