-- Law 9: opening + flows = closing, per contract and bucket and per capital source, of one delivery and what it follows.
with moves (account, what, opening, flow, closing) as (
    select
        format('contract %s of customer %s', contract_no, customer_id),
        b.what,
        b.amount,
        0,
        0
    from raw.loan_book_rows
    cross join lateral (values ('in term', in_term_vnd), ('overdue', overdue_vnd), ('frozen', frozen_vnd)) as b (what, amount)
    where delivery_id in ({opening})
    union all
    select
        format('contract %s of customer %s', contract_no, customer_id),
        b.what,
        0,
        0,
        b.amount
    from raw.loan_book_rows
    cross join lateral (values ('in term', in_term_vnd), ('overdue', overdue_vnd), ('frozen', frozen_vnd)) as b (what, amount)
    where delivery_id = {delivery}
    union all
    select
        format('contract %s of customer %s', t.contract_no, t.customer_id),
        replace(f.what, '_', ' '),
        0,
        f.sign * t.amount_vnd,
        0
    from raw.loan_transactions_rows as t
    inner join (
        -- What each kind does to a bucket; null: the bucket that the row names.
        values
        ('disbursement', 'in_term', 1),
        ('principal', null, -1),
        ('to_overdue', 'in_term', -1),
        ('to_overdue', 'overdue', 1),
        ('from_overdue', 'overdue', -1),
        ('from_overdue', 'in_term', 1),
        ('to_frozen', null, -1),
        ('to_frozen', 'frozen', 1),
        ('from_frozen', 'frozen', -1),
        ('from_frozen', null, 1),
        ('write_off', null, -1),
        ('transfer_in', null, 1),
        ('transfer_out', null, -1)
    ) as k (kind, bucket, sign) on t.kind = k.kind
    cross join lateral (select coalesce(k.bucket, t.bucket) as what, k.sign) as f
    where t.delivery_id = {delivery}
    union all
    select
        format('capital %s of office %s', source_code, office_code),
        'balance',
        case when delivery_id <> {delivery} then balance_vnd else 0 end,
        0,
        case when delivery_id = {delivery} then balance_vnd else 0 end
    from raw.capital_positions_rows
    where delivery_id in ({delivery}, {opening})
    union all
    select
        format('capital %s of office %s', source_code, office_code),
        'balance',
        0,
        case when kind in ('received', 'reallocated_in') then amount_vnd else -amount_vnd end,
        0
    from raw.capital_transactions_rows
    where delivery_id = {delivery} and kind <> 'decision'
)

select
    format('delivery %s: %s, %s', {delivery}, account, what),
    format('opening %s + flows %s is not closing %s', sum(opening), sum(flow), sum(closing))
from moves
group by account, what
having sum(opening) + sum(flow) <> sum(closing)
order by account, what
