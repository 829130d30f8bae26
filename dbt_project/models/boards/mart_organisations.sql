-- One row a business date, branch and organisation that lending is entrusted to.
{{ config(meta={"part": "state"}) }}

with units as (
    select * from {{ ref('int_units') }} where part = 'state'
),

organisations as (
    select * from {{ ref('stg_organisations') }} where organisation_code <> 'NONE'
),

loan_groups as (
    select * from {{ ref('int_loan_groups') }}
),

borrowers as (
    select * from {{ ref('int_borrowers') }}
),

savings_groups as (
    select * from {{ ref('stg_savings_groups') }}
    where delivery_id in {{ delivery_ids("state") }} and status = 'active'
),

debt as (
    select
        delivery_id,
        organisation_code,
        sum(loans)::bigint as loans,
        sum(outstanding_vnd)::bigint as outstanding_vnd,
        sum(overdue_vnd)::bigint as overdue_vnd
    from loan_groups
    group by delivery_id, organisation_code
),

active_groups as (
    select
        delivery_id,
        organisation_code,
        count(*) as groups
    from savings_groups
    group by delivery_id, organisation_code
),

figures as (
    select
        units.business_date,
        units.branch_code,
        units.current_branch_code,
        organisations.organisation_code,
        units.is_provisional,
        coalesce(active_groups.groups, 0) as groups,
        coalesce(debt.loans, 0) as loans,
        coalesce(borrowers.borrowers, 0) as borrowers,
        coalesce(debt.outstanding_vnd, 0) as outstanding_vnd,
        coalesce(debt.overdue_vnd, 0) as overdue_vnd
    from units
    cross join organisations
    left join debt
        on units.delivery_id = debt.delivery_id and organisations.organisation_code = debt.organisation_code
    left join borrowers
        on units.delivery_id = borrowers.delivery_id and organisations.organisation_code = borrowers.organisation_code
    left join active_groups
        on
            units.delivery_id = active_groups.delivery_id
            and organisations.organisation_code = active_groups.organisation_code
)

select
    figures.business_date,
    figures.branch_code,
    figures.current_branch_code,
    figures.organisation_code,
    figures.is_provisional,
    figures.groups,
    figures.loans,
    figures.borrowers,
    figures.outstanding_vnd,
    figures.overdue_vnd,
    {{ overdue_ratio_pct("figures") }} as overdue_ratio_pct,
    {{ percent(
        "figures.outstanding_vnd",
        "sum(figures.outstanding_vnd) over (partition by figures.branch_code, figures.business_date)"
    ) }} as share_of_entrusted_pct
from figures
where figures.groups > 0 or figures.loans > 0
