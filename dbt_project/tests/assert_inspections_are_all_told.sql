-- Inspections of a quarter are those of the delivery that tells of it, and what is open is part of what was found.
with inspections as materialized (
    select * from {{ ref('stg_inspections') }} where delivery_id in {{ delivery_ids("inspections") }}
),

delivered as (
    select
        reads.branch_code,
        reads.business_date as quarter_ends_on,
        count(*) as inspections,
        sum(inspections.findings) as findings
    from {{ ref('stg_unit_reads') }} as reads
    inner join inspections
        on reads.delivery_id = inspections.delivery_id and reads.business_date = inspections.quarter_ends_on
    where reads.part = 'inspections'
    group by reads.branch_code, reads.business_date
),

told as (
    select
        branch_code,
        quarter_ends_on,
        sum(inspections) as inspections,
        sum(findings) as findings,
        bool_or(open_findings > findings or communes > inspections) as is_wrong
    from {{ candidates(ref('mart_inspections')) }} as candidates
    group by branch_code, quarter_ends_on
)

select
    delivered.branch_code,
    delivered.quarter_ends_on,
    delivered.inspections,
    told.inspections as told_inspections
from delivered
full outer join told on delivered.branch_code = told.branch_code and delivered.quarter_ends_on = told.quarter_ends_on
where
    delivered.inspections is distinct from told.inspections
    or delivered.findings is distinct from told.findings
    or told.is_wrong
