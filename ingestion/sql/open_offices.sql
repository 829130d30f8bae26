-- Every office that is open on the business date stands in the manifest (contract section 5, rule 6).
select
    'offices',
    o.row_no,
    'office_code',
    'office-missing',
    'error',
    o.office_code,
    format('Office %s is open but not among the offices of datapackage.json; list it as delivered, closed or missing.', o.office_code)
from {offices} as o
where
    o.opened_on <= {business_date}
    and (o.closed_on is null or o.closed_on > {business_date})
    and o.office_code <> all ({listed})
union all
select
    'offices',
    null,
    'office_code',
    'foreign-key',
    'error',
    m.office_code,
    format('Office %s stands in datapackage.json but not in the offices delivered; send its row or remove it.', m.office_code)
from unnest({listed}) as m (office_code)
where not exists (select from {offices} as o where o.office_code = m.office_code)
