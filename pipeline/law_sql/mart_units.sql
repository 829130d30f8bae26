-- Law 3: what readers of the marts see of a branch and date was built from one delivery, the one visible to that build.
with seen as (
    select
        u.part,
        u.branch_code,
        u.business_date,
        u.build_id,
        u.delivery_id,
        b.ledger_entry_no,
        b.flipped_at,
        count(*) over (partition by u.branch_code, u.business_date, u.delivery_id) as same,
        count(*) over (partition by u.branch_code, u.business_date) as parts
    from meta.current_units as u
    left join meta.builds as b on u.build_id = b.build_id
    where u.delivery_id is not null
),

states as (
    select
        e.ledger_entry_no,
        v.branch_code,
        v.business_date,
        v.delivery_id
    from (select distinct ledger_entry_no from seen) as e
    cross join lateral meta.visible_deliveries_at(e.ledger_entry_no) as v
)

select
    format('%s of branch %s on %s', s.part, s.branch_code, s.business_date),
    case
        when s.flipped_at is null then format('readers see build %s, which never flipped', s.build_id)
        when s.same < s.parts then 'its parts were built from different deliveries'
        when s.delivery_id is distinct from v.delivery_id then format(
            'it was built from delivery %s, but %s was visible to build %s', s.delivery_id,
            coalesce(v.delivery_id::text, 'nothing'), s.build_id
        )
    end
from seen as s
left join states as v
    on s.ledger_entry_no = v.ledger_entry_no and s.branch_code = v.branch_code and s.business_date = v.business_date
