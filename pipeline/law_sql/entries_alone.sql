-- Law 10: what arrives for one branch and date makes nothing visible but deliveries of that branch and date.
select
    format('ledger entry %s', l.entry_no),
    case when (l.branch_code, l.branch_valid_from, l.business_date)
    is distinct from (d.branch_code, d.branch_valid_from, d.business_date) then format(
        'for branch %s on %s it shows delivery %s of branch %s on %s', l.branch_code, l.business_date, d.delivery_id,
        d.branch_code, d.business_date
    ) end
from meta.ledger as l
inner join meta.deliveries as d on l.visible_delivery_id = d.delivery_id
