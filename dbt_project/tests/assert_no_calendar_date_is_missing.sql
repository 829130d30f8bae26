-- As many dates as there are days between the first and the last.
select
    min(calendar_date) as first_on,
    max(calendar_date) as last_on,
    count(*) as dates
from {{ candidates(ref('dim_date')) }} as dates
having count(*) > 0 and count(*) <> max(calendar_date) - min(calendar_date) + 1
