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
    balances.*,
    debt.overdue_vnd as overdue_vnd_in_bands,
    debt.frozen_vnd as frozen_vnd_in_bands
from balances
full outer join debt
    on
        balances.branch_code = debt.branch_code
        and balances.business_date = debt.business_date
        and balances.office_code = debt.office_code
        and balances.commune_code = debt.commune_code
        and balances.programme_code = debt.programme_code
        and balances.organisation_code = debt.organisation_code
where
    coalesce(balances.overdue_vnd, 0) <> coalesce(debt.overdue_vnd, 0)
    or coalesce(balances.frozen_vnd, 0) <> coalesce(debt.frozen_vnd, 0)
