-- More received than decided is no negative commitment.
select *
from {{ candidates(ref('mart_capital_sources')) }} as sources
where committed_not_received_vnd < 0
