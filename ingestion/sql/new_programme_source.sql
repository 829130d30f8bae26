-- A programme and source that were not lent together in the delivery before (section 5, warnings): each of its loans' first row.
select
    'loan_book',
    min(c.row_no),
    'source_code',
    'new-programme-source',
    'warning',
    c.programme_code || '|' || c.source_code,
    format('Programme %s on source %s is new with %s loans; check that both codes are meant.', c.programme_code, c.source_code, count(*))
from {loan_book} as c
where
    not exists (
        select
        from (
            select distinct programme_code, source_code from ({opening_loans}) as loans
        ) as o
        where o.programme_code = c.programme_code and o.source_code = c.source_code
    )
group by c.programme_code, c.source_code
