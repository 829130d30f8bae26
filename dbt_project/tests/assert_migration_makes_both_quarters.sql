-- Every loan of both quarters stands in one pair of states: together they make what was owed before and now.
{{ config(tags=["across_areas"]) }}

with migration as (
    select
        branch_code,
        business_date,
        sum(loans) filter (where from_state <> 'new') as loans_from,
        sum(loans) filter (where to_state <> 'closed') as loans_to,
        sum(outstanding_from_vnd) as outstanding_from_vnd,
        sum(outstanding_to_vnd) as outstanding_to_vnd,
        bool_or(
            (from_state = 'new' and outstanding_from_vnd <> 0)
            or (to_state = 'closed' and outstanding_to_vnd <> 0)
        ) as is_wrong
    from {{ candidates(ref('mart_debt_migration')) }} as candidates
    group by branch_code, business_date
),

units as (
    select * from {{ ref('int_units') }} where part = 'migration'
),

openings as (
    select
        openings.branch_code,
        openings.business_date,
        sum(states.loans) as loans,
        sum(states.outstanding_vnd) as outstanding_vnd
    from {{ ref('int_migration_openings') }} as openings
    inner join {{ ref('int_branch_states') }} as states on openings.delivery_id = states.delivery_id
    group by openings.branch_code, openings.business_date
)

select
    units.branch_code,
    units.business_date,
    openings.outstanding_vnd as outstanding_before_vnd,
    states.outstanding_vnd
from units
inner join {{ ref('int_branch_states') }} as states on units.delivery_id = states.delivery_id
inner join openings on units.branch_code = openings.branch_code and units.business_date = openings.business_date
left join migration on units.branch_code = migration.branch_code and units.business_date = migration.business_date
where
    coalesce(migration.outstanding_to_vnd, 0) <> states.outstanding_vnd
    or coalesce(migration.outstanding_from_vnd, 0) <> openings.outstanding_vnd
    or coalesce(migration.loans_to, 0) <> states.loans
    or coalesce(migration.loans_from, 0) > openings.loans
    or migration.is_wrong
