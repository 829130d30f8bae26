-- A published delivery covers at least its own date, and has arrived.
select *
from {{ candidates(ref('mart_delivery_status')) }} as status
where published_revision is not null and (not covered or published_at is null or verdict is null)
