-- The states of a code do not overlap in time.
select
    earlier.branch_code,
    earlier.valid_from,
    later.valid_from as later_valid_from
from {{ candidates(ref('dim_branch')) }} as earlier
inner join {{ candidates(ref('dim_branch')) }} as later
    on earlier.branch_code = later.branch_code and earlier.valid_from < later.valid_from
where coalesce(earlier.valid_to, 'infinity'::date) >= later.valid_from
