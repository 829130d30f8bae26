-- One row a unit (a branch or the nation, and a date) and delivery of its year so far that readers see, those of
-- predecessors included.
{{ config(materialized="unit_rows", meta={"part": ["history", "nation"]}) }}

with members as (
    select * from {{ ref('int_unit_members') }}
),

families as (
    select * from {{ ref('stg_branch_families') }}
),

-- Where a branch could not be built, the nation's year is that of the deliveries shown of it, not of those on record.
deliveries as (
    select * from {{ ref('stg_shown_units') }} where part = 'flows'
)

select
    members.branch_code,
    members.business_date,
    deliveries.delivery_id,
    deliveries.business_date as delivered_for,
    date_trunc('year', members.business_date)::date as year_start_on,
    date_trunc('quarter', members.business_date)::date as quarter_start_on,
    -- It does not follow what is visible: the intervals are broken before it.
    deliveries.is_provisional or deliveries.previous_business_date is null as is_break
from members
inner join families
    on members.member_code = families.head_code and members.member_valid_from = families.head_valid_from
inner join deliveries
    on
        families.branch_code = deliveries.branch_code
        and families.valid_from = deliveries.branch_valid_from
        and deliveries.business_date between date_trunc('year', members.business_date)::date and members.business_date
