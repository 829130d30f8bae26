-- One row a business date (of the delivery that brought it), value date, branch, office, commune, programme and source.
{{ config(meta={"part": "flows"}) }}

with flows as (
    select * from {{ ref('int_lending_flows') }}
),

units as (
    select * from {{ ref('int_units') }} where part = 'flows'
),

communes as (
    select * from {{ ref('int_commune_territory') }}
)

select
    units.business_date,
    flows.value_date,
    units.branch_code,
    units.current_branch_code,
    flows.office_code,
    flows.commune_code,
    coalesce(communes.current_commune_code, flows.commune_code) as current_commune_code,
    coalesce(communes.is_approximate_succession, false) as is_approximate_succession,
    flows.programme_code,
    flows.source_code,
    units.is_provisional,
    flows.disbursed_vnd,
    flows.disbursed_loans,
    flows.collected_vnd,
    flows.interest_collected_vnd,
    flows.to_overdue_vnd,
    flows.overdue_collected_vnd,
    flows.written_off_vnd,
    flows.transferred_vnd
from flows
inner join units on flows.delivery_id = units.delivery_id
left join communes
    on
        flows.commune_code = communes.commune_code
        and flows.value_date between communes.valid_from and communes.known_until
