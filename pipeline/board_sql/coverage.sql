-- Dates that lie inside the interval of a visible delivery, of the branch itself or of one that it was merged into.
select distinct
    f.branch_code,
    t.business_date
from unnest(%(dates)s::date []) as t (business_date)
inner join meta.visible_deliveries as d
    on
        t.business_date <= d.business_date
        and t.business_date > coalesce(d.previous_business_date, d.business_date - 1)
inner join meta.branch_families as f on d.branch_code = f.head_code and d.branch_valid_from = f.head_valid_from
