-- One row a business date, branch, commune, kind of demand and programme.
{{ config(meta={"part": "state"}) }}

with cases as (
    select * from {{ ref('int_demand_cases') }}
),

units as (
    select * from {{ ref('int_units') }} where part = 'state'
),

communes as (
    select * from {{ ref('int_commune_territory') }}
),

demand as (
    select
        delivery_id,
        commune_code,
        kind,
        programme_code,
        count(*) filter (where status = 'identified') as identified,
        count(*) filter (where status = 'applied') as applied,
        count(*) filter (where status = 'approved') as approved,
        count(*) filter (where status = 'disbursed') as disbursed,
        count(*) filter (where status = 'refused') as refused,
        count(*) filter (where status = 'not_interested') as not_interested,
        count(*) as cases,
        sum(need_vnd)::bigint as need_vnd,
        sum(disbursed_vnd)::bigint as disbursed_vnd
    from cases
    group by delivery_id, commune_code, kind, programme_code
)

select
    units.business_date,
    units.branch_code,
    units.current_branch_code,
    demand.commune_code,
    coalesce(communes.current_commune_code, demand.commune_code) as current_commune_code,
    coalesce(communes.is_approximate_succession, false) as is_approximate_succession,
    demand.kind,
    demand.programme_code,
    units.is_provisional,
    demand.identified,
    demand.applied,
    demand.approved,
    demand.disbursed,
    demand.refused,
    demand.not_interested,
    demand.cases,
    {{ percent("demand.disbursed", "demand.cases") }} as coverage_pct,
    demand.need_vnd,
    demand.disbursed_vnd
from demand
inner join units on demand.delivery_id = units.delivery_id
left join communes
    on
        demand.commune_code = communes.commune_code
        and units.business_date between communes.valid_from and communes.known_until
