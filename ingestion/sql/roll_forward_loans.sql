-- Opening + flows = closing, by contract, customer and bucket, to the đồng (contract section 5, rule 2).
-- Where the balance has not changed the first of the transactions is named, else the row of the loan book, if there is one.
with opening as (
    {opening_balances}
),

closing as (
    select
        contract_no,
        customer_id,
        in_term_vnd,
        overdue_vnd,
        frozen_vnd,
        row_no
    from {loan_book}
),

changed as (
    select
        coalesce(c.contract_no, o.contract_no) as contract_no,
        coalesce(c.customer_id, o.customer_id) as customer_id,
        c.row_no,
        coalesce(o.in_term_vnd, 0) as opening_in_term,
        coalesce(o.overdue_vnd, 0) as opening_overdue,
        coalesce(o.frozen_vnd, 0) as opening_frozen,
        coalesce(c.in_term_vnd, 0) as closing_in_term,
        coalesce(c.overdue_vnd, 0) as closing_overdue,
        coalesce(c.frozen_vnd, 0) as closing_frozen
    from closing as c
    full join opening as o on c.contract_no = o.contract_no and c.customer_id = o.customer_id
    where
        (c.in_term_vnd, c.overdue_vnd, c.frozen_vnd) is distinct from (o.in_term_vnd, o.overdue_vnd, o.frozen_vnd)
),

flows as (
    select
        contract_no,
        customer_id,
        sum(case
            when kind in ('disbursement', 'from_overdue') then amount_vnd
            when kind = 'to_overdue' then -amount_vnd::numeric
            when bucket = 'in_term' and kind in ('from_frozen', 'transfer_in') then amount_vnd
            when bucket = 'in_term' and kind in ('principal', 'to_frozen', 'write_off', 'transfer_out') then -amount_vnd::numeric
            else 0
        end) as in_term_vnd,
        sum(case
            when kind = 'to_overdue' then amount_vnd
            when kind = 'from_overdue' then -amount_vnd::numeric
            when bucket = 'overdue' and kind in ('from_frozen', 'transfer_in') then amount_vnd
            when bucket = 'overdue' and kind in ('principal', 'to_frozen', 'write_off', 'transfer_out') then -amount_vnd::numeric
            else 0
        end) as overdue_vnd,
        sum(case
            when kind = 'to_frozen' then amount_vnd
            when kind = 'from_frozen' then -amount_vnd::numeric
            when bucket = 'frozen' and kind = 'transfer_in' then amount_vnd
            when bucket = 'frozen' and kind in ('principal', 'write_off', 'transfer_out') then -amount_vnd::numeric
            else 0
        end) as frozen_vnd,
        min(row_no) as row_no
    from {loan_transactions}
    where kind not in ('interest', 'extension')
    group by contract_no, customer_id
),

measured as (
    select
        coalesce(c.contract_no, f.contract_no) as contract_no,
        coalesce(c.customer_id, f.customer_id) as customer_id,
        c.row_no,
        f.row_no as transaction_row_no,
        v.*
    from changed as c
    full join flows as f on c.contract_no = f.contract_no and c.customer_id = f.customer_id
    cross join lateral (
        values
        ('in_term_vnd', c.opening_in_term, f.in_term_vnd, c.closing_in_term),
        ('overdue_vnd', c.opening_overdue, f.overdue_vnd, c.closing_overdue),
        ('frozen_vnd', c.opening_frozen, f.frozen_vnd, c.closing_frozen)
    ) as v (column_name, opening_vnd, flow_vnd, closing_vnd)
)

select
    case when m.opening_vnd is null then 'loan_transactions' else 'loan_book' end,
    case when m.opening_vnd is null then m.transaction_row_no else m.row_no end,
    case when m.opening_vnd is null then 'amount_vnd' else m.column_name end,
    'roll-forward',
    'error',
    (coalesce(m.closing_vnd, 0) - coalesce(m.opening_vnd, 0) - coalesce(m.flow_vnd, 0))::text,
    case
        when m.opening_vnd is null
            then format(
                'Contract %s of customer %s, %s: transactions of %s đồng in all, but its balance has not changed; send the missing or remove the wrong ones.',
                m.contract_no, m.customer_id, m.column_name, m.flow_vnd
            )
        else
            format(
                'Contract %s of customer %s, %s: opening %s + flows %s = %s đồng, but the loan book says %s; send the missing transactions or the right balance.',
                m.contract_no, m.customer_id, m.column_name, m.opening_vnd, coalesce(m.flow_vnd, 0),
                m.opening_vnd + coalesce(m.flow_vnd, 0), m.closing_vnd
            )
    end
from measured as m
where coalesce(m.opening_vnd, 0) + coalesce(m.flow_vnd, 0) <> coalesce(m.closing_vnd, 0)
