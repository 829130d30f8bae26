-- Each case is counted under one status, and none of the delivered cases is lost.
with demand as (
    select
        branch_code,
        business_date,
        sum(cases) as cases,
        sum(identified + applied + approved + disbursed + refused + not_interested) as statuses,
        sum(need_vnd) as need_vnd
    from {{ candidates(ref('mart_demand_coverage')) }} as candidates
    group by branch_code, business_date
)

select
    units.branch_code,
    units.business_date,
    files.row_count,
    demand.cases,
    demand.statuses
from {{ ref('int_units') }} as units
inner join {{ ref('stg_delivery_files') }} as files
    on units.delivery_id = files.delivery_id and files.dataset = 'eligible_demand'
left join demand on units.branch_code = demand.branch_code and units.business_date = demand.business_date
where
    units.part = 'state'
    and (
        coalesce(demand.cases, 0) <> files.row_count
        or demand.cases <> demand.statuses
        or coalesce(demand.need_vnd, 0) <> (files.control_totals ->> 'need_vnd')::numeric
    )
