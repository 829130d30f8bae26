-- One row a unit (branch and date) and visible delivery of the same year up to it, of the branch and its predecessors.
{{ config(materialized="unit_rows", meta={"part": "history"}) }}

with units as (
    select * from {{ ref('int_units') }} where part = 'history'
),

families as (
    select * from {{ ref('stg_branch_families') }}
),

deliveries as (
    select * from {{ ref('stg_visible_deliveries') }}
)

select
    units.branch_code,
    units.business_date,
    deliveries.delivery_id,
    deliveries.business_date as delivered_for,
    date_trunc('year', units.business_date)::date as year_start_on,
    date_trunc('quarter', units.business_date)::date as quarter_start_on,
    -- It does not follow what is visible: the intervals are broken before it.
    deliveries.is_provisional or deliveries.previous_business_date is null as is_break
from units
inner join families
    on units.branch_code = families.head_code and units.branch_valid_from = families.head_valid_from
inner join deliveries
    on
        families.branch_code = deliveries.branch_code
        and families.valid_from = deliveries.branch_valid_from
        and deliveries.business_date between date_trunc('year', units.business_date)::date and units.business_date
