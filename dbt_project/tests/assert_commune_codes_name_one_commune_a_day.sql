-- The states of a code do not overlap in time, though most codes of 2025 were in use before.
select
    earlier.commune_code,
    earlier.valid_from,
    later.valid_from as later_valid_from
from {{ candidates(ref('dim_commune')) }} as earlier
inner join {{ candidates(ref('dim_commune')) }} as later
    on earlier.commune_code = later.commune_code and earlier.valid_from < later.valid_from
where coalesce(earlier.valid_to, 'infinity'::date) >= later.valid_from
