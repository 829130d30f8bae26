-- Opening + received - returned + reallocated = closing, by capital source and office (contract section 5, rule 2).
with opening as (
    select
        source_code,
        office_code,
        sum(balance_vnd) as balance_vnd
    from raw.capital_positions_rows
    where delivery_id in ({opening})
    group by source_code, office_code
),

closing as (
    select
        source_code,
        office_code,
        sum(balance_vnd) as balance_vnd,
        min(row_no) as row_no
    from raw.capital_positions_rows
    where delivery_id = {delivery}
    group by source_code, office_code
),

flows as (
    select
        source_code,
        office_code,
        sum(case
            when kind in ('received', 'reallocated_in') then amount_vnd
            when kind in ('returned', 'reallocated_out') then -amount_vnd::numeric
            else 0
        end) as balance_vnd
    from raw.capital_transactions_rows
    where delivery_id = {delivery}
    group by source_code, office_code
),

measured as (
    select
        source_code,
        office_code,
        c.row_no,
        coalesce(o.balance_vnd, 0) as opening_vnd,
        coalesce(f.balance_vnd, 0) as flow_vnd,
        coalesce(c.balance_vnd, 0) as closing_vnd
    from closing as c
    full join opening as o using (source_code, office_code)
    full join flows as f using (source_code, office_code)
)

select
    'capital_positions',
    m.row_no,
    'balance_vnd',
    'roll-forward',
    'error',
    (m.closing_vnd - m.opening_vnd - m.flow_vnd)::text,
    format(
        '%s of office %s: opening %s + flows %s = %s đồng, but the position says %s; send the missing entries or the right balance.',
        m.source_code, m.office_code, m.opening_vnd, m.flow_vnd, m.opening_vnd + m.flow_vnd, m.closing_vnd
    )
from measured as m
where m.opening_vnd + m.flow_vnd <> m.closing_vnd
