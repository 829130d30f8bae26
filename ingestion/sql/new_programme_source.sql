-- A programme and source that were not lent together in the delivery before (section 5, warnings): its first row.
with lent as (
    select
        programme_code,
        source_code,
        min(row_no) as row_no,
        count(*) as loans
    from {loan_book}
    group by programme_code, source_code
),

lent_before as (
    select
        programme_code,
        source_code
    from ({opening_loans}) as loans
    group by programme_code, source_code
)

select
    'loan_book',
    l.row_no,
    'source_code',
    'new-programme-source',
    'warning',
    l.programme_code || '|' || l.source_code,
    format('Programme %s on source %s is new with %s loans; check that both codes are meant.', l.programme_code, l.source_code, l.loans)
from lent as l
left join lent_before as b on l.programme_code = b.programme_code and l.source_code = b.source_code
where b.programme_code is null
