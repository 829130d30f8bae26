-- One row a business date, branch, office, commune, programme, capital source and organisation.
{{ config(meta={"part": "state", "partitioned": true}) }}

with loan_groups as (
    select * from {{ ref('int_loan_groups') }}
),

units as (
    select * from {{ ref('int_units') }} where part = 'state'
),

communes as (
    select * from {{ ref('int_commune_territory') }}
),

balances as (
    select
        delivery_id,
        office_code,
        commune_code,
        programme_code,
        source_code,
        organisation_code,
        sum(loans)::bigint as loans,
        sum(in_term_vnd)::bigint as in_term_vnd,
        sum(overdue_vnd)::bigint as overdue_vnd,
        sum(frozen_vnd)::bigint as frozen_vnd,
        sum(outstanding_vnd)::bigint as outstanding_vnd,
        sum(interest_due_vnd)::bigint as interest_due_vnd,
        sum(interest_overdue_vnd)::bigint as interest_overdue_vnd,
        sum(par1_vnd)::bigint as par1_vnd,
        sum(par30_vnd)::bigint as par30_vnd,
        sum(par90_vnd)::bigint as par90_vnd,
        sum(par180_vnd)::bigint as par180_vnd
    from loan_groups
    group by delivery_id, office_code, commune_code, programme_code, source_code, organisation_code
)

select
    units.business_date,
    units.branch_code,
    units.current_branch_code,
    balances.office_code,
    balances.commune_code,
    coalesce(communes.current_commune_code, balances.commune_code) as current_commune_code,
    coalesce(communes.is_approximate_succession, false) as is_approximate_succession,
    balances.programme_code,
    balances.source_code,
    balances.organisation_code,
    units.is_provisional,
    balances.loans,
    balances.in_term_vnd,
    balances.overdue_vnd,
    balances.frozen_vnd,
    balances.outstanding_vnd,
    balances.interest_due_vnd,
    balances.interest_overdue_vnd,
    balances.par1_vnd,
    balances.par30_vnd,
    balances.par90_vnd,
    balances.par180_vnd
from balances
inner join units on balances.delivery_id = units.delivery_id
left join communes
    on
        balances.commune_code = communes.commune_code
        and units.business_date between communes.valid_from and communes.known_until
