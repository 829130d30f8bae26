-- A date without a line for a branch would hide that nothing came.
select
    dates.business_date,
    branches.branch_code
from {{ ref('int_status_dates') }} as dates
inner join {{ ref('int_branch_territory') }} as branches
    on dates.business_date between branches.valid_from and coalesce(branches.valid_to, 'infinity'::date)
left join {{ candidates(ref('mart_delivery_status')) }} as status
    on dates.business_date = status.business_date and branches.branch_code = status.branch_code
where status.branch_code is null
