-- One row a month-end, branch and savings-and-credit group, closed ones included.
{{ config(meta={"part": "state"}) }}

with units as (
    select * from {{ ref('int_units') }} where part = 'state' and extract(day from business_date + 1) = 1
),

savings_groups as (
    select * from {{ ref('stg_savings_groups') }} where delivery_id in {{ delivery_ids("state") }}
),

loans as (
    select * from {{ ref('int_group_loans') }}
),

communes as (
    select * from {{ ref('int_commune_territory') }}
),

figures as (
    select
        units.business_date,
        units.branch_code,
        units.current_branch_code,
        units.is_provisional,
        savings_groups.group_code,
        savings_groups.office_code,
        savings_groups.commune_code,
        savings_groups.organisation_code,
        savings_groups.status,
        savings_groups.grade,
        savings_groups.members,
        coalesce(loans.loans, 0) as loans,
        coalesce(loans.outstanding_vnd, 0) as outstanding_vnd,
        coalesce(loans.overdue_vnd, 0) as overdue_vnd
    from units
    inner join savings_groups on units.delivery_id = savings_groups.delivery_id
    left join loans
        on savings_groups.delivery_id = loans.delivery_id and savings_groups.group_code = loans.group_code
)

select
    figures.business_date,
    figures.branch_code,
    figures.current_branch_code,
    figures.group_code,
    figures.office_code,
    figures.commune_code,
    coalesce(communes.current_commune_code, figures.commune_code) as current_commune_code,
    coalesce(communes.is_approximate_succession, false) as is_approximate_succession,
    figures.organisation_code,
    figures.status,
    figures.is_provisional,
    figures.members,
    figures.loans,
    figures.outstanding_vnd,
    figures.overdue_vnd,
    {{ overdue_ratio_pct("figures") }} as overdue_ratio_pct,
    figures.grade,
    {{ is_group_size_ok("figures.members") }} as size_ok
from figures
left join communes
    on
        figures.commune_code = communes.commune_code
        and figures.business_date between communes.valid_from and communes.known_until
