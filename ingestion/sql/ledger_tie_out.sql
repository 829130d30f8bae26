-- The general ledger against the loan book, by office, programme and bucket (contract section 5, rule 3).
with book as (
    select
        l.office_code,
        l.programme_code,
        b.bucket,
        sum(b.amount_vnd) as amount_vnd
    from (
        select
            office_code,
            programme_code,
            sum(in_term_vnd) as in_term_vnd,
            sum(overdue_vnd) as overdue_vnd,
            sum(frozen_vnd) as frozen_vnd
        from {loan_book}
        group by office_code, programme_code
    ) as l
    cross join lateral (
        values ('in_term', l.in_term_vnd), ('overdue', l.overdue_vnd), ('frozen', l.frozen_vnd)
    ) as b (bucket, amount_vnd)
    group by l.office_code, l.programme_code, b.bucket
),

ledger as (
    select
        office_code,
        programme_code,
        bucket,
        min(row_no) as row_no,
        sum(closing_vnd) as amount_vnd
    from {ledger_balances}
    group by office_code, programme_code, bucket
)

select
    'ledger_balances',
    g.row_no,
    'closing_vnd',
    'ledger-tie-out',
    'error',
    (coalesce(g.amount_vnd, 0) - coalesce(b.amount_vnd, 0))::text,
    format(
        'Office %s, programme %s, %s: the ledger has %s đồng, the loan book %s (difference %s); correct the one that is wrong.',
        coalesce(g.office_code, b.office_code), coalesce(g.programme_code, b.programme_code),
        coalesce(g.bucket, b.bucket), coalesce(g.amount_vnd, 0), coalesce(b.amount_vnd, 0),
        coalesce(g.amount_vnd, 0) - coalesce(b.amount_vnd, 0)
    )
from ledger as g
full join book as b
    on
        g.office_code = b.office_code
        and g.programme_code = b.programme_code
        and g.bucket = b.bucket
where coalesce(g.amount_vnd, 0) <> coalesce(b.amount_vnd, 0)
