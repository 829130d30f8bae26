-- One row a business date, branch, office, commune, programme, organisation and band of overdue debt.
{{ config(meta={"part": "state", "partitioned": true}) }}

with loan_groups as (
    select * from {{ ref('int_loan_groups') }} where overdue_band is not null
),

units as (
    select * from {{ ref('int_units') }} where part = 'state'
),

communes as (
    select * from {{ ref('int_commune_territory') }}
),

debt as (
    select
        delivery_id,
        office_code,
        commune_code,
        programme_code,
        organisation_code,
        overdue_band,
        sum(loans)::bigint as loans,
        sum(overdue_vnd)::bigint as overdue_vnd,
        sum(frozen_vnd)::bigint as frozen_vnd,
        sum(outstanding_vnd)::bigint as outstanding_of_loans_vnd,
        sum(absconded_loans)::bigint as absconded_loans,
        sum(absconded_overdue_vnd)::bigint as absconded_overdue_vnd
    from loan_groups
    group by delivery_id, office_code, commune_code, programme_code, organisation_code, overdue_band
)

select
    units.business_date,
    units.branch_code,
    units.current_branch_code,
    debt.office_code,
    debt.commune_code,
    coalesce(communes.current_commune_code, debt.commune_code) as current_commune_code,
    coalesce(communes.is_approximate_succession, false) as is_approximate_succession,
    debt.programme_code,
    debt.organisation_code,
    debt.overdue_band,
    units.is_provisional,
    debt.loans,
    debt.overdue_vnd,
    debt.frozen_vnd,
    debt.outstanding_of_loans_vnd,
    debt.absconded_loans,
    debt.absconded_overdue_vnd
from debt
inner join units on debt.delivery_id = units.delivery_id
left join communes
    on
        debt.commune_code = communes.commune_code
        and units.business_date between communes.valid_from and communes.known_until
