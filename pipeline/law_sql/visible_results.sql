-- Law 10: nothing visible has an error, a check that could not run, or a measurement that failed or is lacking.
with openings as (
    -- The state that a delivery follows is that of its branch, or of every branch merged into it (contract, section 5).
    select
        v.delivery_id,
        count(*) as holders,
        count(o.delivery_id) as visible_holders,
        array_agg(o.delivery_id order by o.delivery_id) filter (where o.delivery_id is not null) as opening
    from meta.visible_deliveries as v
    inner join meta.branch_families as f on v.branch_code = f.head_code and v.branch_valid_from = f.head_valid_from
    inner join meta.branches as b
        on
            f.branch_code = b.branch_code
            and f.valid_from = b.valid_from
            and v.previous_business_date between b.valid_from and coalesce(b.valid_to, 'infinity')
    left join meta.visible_deliveries as o
        on
            b.branch_code = o.branch_code
            and b.valid_from = o.branch_valid_from
            and o.business_date = v.previous_business_date
    group by v.delivery_id
)

select
    format('branch %s on %s, delivery %s', v.branch_code, v.business_date, v.delivery_id),
    case
        when i.delivery_id is null then 'it is visible without having been judged'
        when i.could_not_run is not null then format('a check could not run: %s', i.could_not_run)
        when i.errors > 0 then format('it has %s error(s)', i.errors)
        when exists (
            select from meta.findings as f
            where f.delivery_id = v.delivery_id and f.opening is null and f.severity = 'error'
        ) then 'it has findings that are errors'
        when v.verdict not in ('published', 'published_with_warnings', 'provisional') then format(
            'it is visible, but its last verdict is %s', v.verdict
        )
        when v.previous_business_date is null and v.is_provisional then 'it is a first delivery, and yet provisional'
        when v.previous_business_date is null then null
        when o.holders is null or o.visible_holders < o.holders then case when not v.is_provisional then
            'nothing, or not everything, is visible that it follows, and yet it is not provisional'
        end
        when v.is_provisional then format('deliveries %s that it follows are visible, and yet it is provisional', o.opening)
        when m.delivery_id is null then format('it was never measured against %s, which it follows', o.opening)
        when m.errors > 0 then format('measured against %s, which it follows, it has %s error(s)', o.opening, m.errors)
    end
from meta.visible_deliveries as v
left join meta.intakes as i on v.delivery_id = i.delivery_id
left join openings as o on v.delivery_id = o.delivery_id
left join meta.openings as m on v.delivery_id = m.delivery_id and o.opening = m.opening
