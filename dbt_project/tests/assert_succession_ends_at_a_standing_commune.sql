-- The commune that holds a territory today has no successor itself.
select
    communes.commune_code,
    communes.valid_from,
    communes.current_commune_code
from {{ candidates(ref('dim_commune')) }} as communes
left join {{ candidates(ref('dim_commune')) }} as standing
    on communes.current_commune_code = standing.commune_code and standing.valid_to is null
where standing.commune_code is null
