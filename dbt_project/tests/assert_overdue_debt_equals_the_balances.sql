-- Every overdue and frozen đồng stands in exactly one band, by office, commune, programme and organisation.
with debt as (
    select
        branch_code,
        business_date,
        office_code,
        commune_code,
        programme_code,
        organisation_code,
        sum(overdue_vnd) as overdue_vnd,
        sum(frozen_vnd) as frozen_vnd
    from {{ candidates(ref('mart_overdue_debt')) }} as candidates
    group by branch_code, business_date, office_code, commune_code, programme_code, organisation_code
),

balances as (
    select
        branch_code,
        business_date,
        office_code,
        commune_code,
        programme_code,
        organisation_code,
        sum(overdue_vnd) as overdue_vnd,
        sum(frozen_vnd) as frozen_vnd
    from {{ candidates(ref('mart_loan_balances')) }} as candidates
    group by branch_code, business_date, office_code, commune_code, programme_code, organisation_code
)

select
    branch_code,
    business_date,
    office_code,
    commune_code,
    programme_code,
    organisation_code
from balances
full outer join debt
    using (branch_code, business_date, office_code, commune_code, programme_code, organisation_code)
where
    coalesce(balances.overdue_vnd, 0) <> coalesce(debt.overdue_vnd, 0)
    or coalesce(balances.frozen_vnd, 0) <> coalesce(debt.frozen_vnd, 0)
