-- One row a unit (branch and quarter), body and level: inspections as the newest delivery that tells of them says.
{{ config(materialized="unit_rows", meta={"part": "inspections"}) }}

with reads as (
    select * from {{ ref('stg_unit_reads') }} where part = 'inspections'
),

deliveries as (
    select * from {{ ref('stg_deliveries') }}
),

territory as (
    select * from {{ ref('int_branch_territory') }}
),

-- Materialized: else the quarter of an inspection is reckoned anew for each of the quarters that its delivery tells of.
inspections as materialized (
    select * from {{ ref('stg_inspections') }} where delivery_id in {{ delivery_ids("inspections") }}
)

select
    reads.branch_code,
    territory.current_branch_code,
    reads.business_date as quarter_ends_on,
    reads.is_provisional,
    inspections.body,
    inspections.level,
    count(*) as inspections,
    count(distinct inspections.commune_code) as communes,
    sum(inspections.groups_checked)::bigint as groups_checked,
    sum(inspections.households_checked)::bigint as households_checked,
    sum(inspections.findings)::bigint as findings,
    sum(inspections.misuse_cases)::bigint as misuse_cases,
    coalesce(sum(inspections.findings) filter (where inspections.fixed_on is null), 0)::bigint as open_findings
from reads
inner join deliveries on reads.delivery_id = deliveries.delivery_id
inner join territory
    on deliveries.branch_code = territory.branch_code and deliveries.branch_valid_from = territory.valid_from
inner join inspections
    on reads.delivery_id = inspections.delivery_id and reads.business_date = inspections.quarter_ends_on
group by
    reads.branch_code,
    territory.current_branch_code,
    reads.business_date,
    reads.is_provisional,
    inspections.body,
    inspections.level
