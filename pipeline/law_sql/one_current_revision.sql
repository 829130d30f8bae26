-- Law 4: at most one current revision for each branch and date, the one that the ledger named last.
with named as (
    select distinct on (branch_code, business_date)
        branch_code,
        business_date,
        visible_delivery_id
    from meta.ledger
    where sets_visible
    order by branch_code, business_date, entry_no desc
),

shown as (
    select
        branch_code,
        business_date,
        array_agg(delivery_id order by delivery_id) as deliveries
    from meta.visible_deliveries
    group by branch_code, business_date
)

select
    format('branch %s on %s', coalesce(n.branch_code, s.branch_code), coalesce(n.business_date, s.business_date)),
    case
        when cardinality(s.deliveries) > 1 then format('deliveries %s are visible at once', s.deliveries)
        when s.deliveries[1] is distinct from n.visible_delivery_id then format(
            'delivery %s is visible, but the ledger named %s last', coalesce(s.deliveries[1]::text, 'none'),
            coalesce(n.visible_delivery_id::text, 'none')
        )
    end
from named as n
full join shown as s on n.branch_code = s.branch_code and n.business_date = s.business_date
