-- No date lies after the business date (contract section 5, rule 5); of personal data the value is not shown.
select
    'customers',
    p.row_no,
    'birth_date',
    'constraint-error',
    'error',
    '***',
    'birth_date lies after the business date; correct it.'
from {rows} as p
where p.birth_date > {business_date}
