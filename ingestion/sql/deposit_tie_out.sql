-- Mobilised capital against deposits, by kind and office (contract section 5, rule 4).
with capital as (
    select
        source_code,
        office_code,
        min(row_no) as row_no,
        sum(balance_vnd) as amount_vnd
    from {capital_positions}
    where source_code in ('MOB_ORG', 'MOB_IND', 'MOB_SAVINGS')
    group by source_code, office_code
),

deposits as (
    select
        case kind
            when 'organisation' then 'MOB_ORG'
            when 'individual' then 'MOB_IND'
            when 'savings_group' then 'MOB_SAVINGS'
        end as source_code,
        office_code,
        sum(balance_vnd) as amount_vnd
    from {deposits}
    group by kind, office_code
)

select
    'capital_positions',
    c.row_no,
    'balance_vnd',
    'deposit-tie-out',
    'error',
    (coalesce(c.amount_vnd, 0) - coalesce(d.amount_vnd, 0))::text,
    format(
        '%s of office %s: capital positions have %s đồng, deposits %s (difference %s); correct the one that is wrong.',
        coalesce(c.source_code, d.source_code), coalesce(c.office_code, d.office_code), coalesce(c.amount_vnd, 0),
        coalesce(d.amount_vnd, 0), coalesce(c.amount_vnd, 0) - coalesce(d.amount_vnd, 0)
    )
from capital as c
full join deposits as d on c.source_code = d.source_code and c.office_code = d.office_code
where coalesce(c.amount_vnd, 0) <> coalesce(d.amount_vnd, 0)
