-- Law 4: of all contents under one number at most one was ever published.
select
    format('branch %s on %s, revision %s', d.branch_code, d.business_date, d.revision),
    case when count(distinct d.content_sha256) > 1 then format(
        'deliveries %s were published under it with different contents', array_agg(distinct d.delivery_id)
    ) end
from meta.ledger as l
inner join meta.deliveries as d on l.delivery_id = d.delivery_id
where l.verdict in ('published', 'published_with_warnings', 'provisional')
group by d.branch_code, d.business_date, d.revision
