-- Lending by organisation is that of the loan balances, and the shares make a hundred.
{{ config(tags=["across_areas"]) }}

with organisations as (
    select * from {{ candidates(ref('mart_organisations')) }} as candidates
),

balances as (
    select
        branch_code,
        business_date,
        organisation_code,
        sum(loans) as loans,
        sum(outstanding_vnd) as outstanding_vnd,
        sum(overdue_vnd) as overdue_vnd
    from {{ candidates(ref('mart_loan_balances')) }} as candidates
    where organisation_code <> 'NONE'
    group by branch_code, business_date, organisation_code
),

shares as (
    select
        branch_code,
        business_date,
        sum(share_of_entrusted_pct) as share_of_entrusted_pct
    from organisations
    group by branch_code, business_date
)

select
    coalesce(organisations.branch_code, balances.branch_code) as branch_code,
    coalesce(organisations.business_date, balances.business_date) as business_date,
    coalesce(organisations.organisation_code, balances.organisation_code) as organisation_code,
    balances.outstanding_vnd,
    shares.share_of_entrusted_pct
from organisations
full outer join balances
    on
        organisations.branch_code = balances.branch_code
        and organisations.business_date = balances.business_date
        and organisations.organisation_code = balances.organisation_code
left join shares
    on organisations.branch_code = shares.branch_code and organisations.business_date = shares.business_date
where
    coalesce(organisations.loans, 0) <> coalesce(balances.loans, 0)
    or coalesce(organisations.outstanding_vnd, 0) <> coalesce(balances.outstanding_vnd, 0)
    or coalesce(organisations.overdue_vnd, 0) <> coalesce(balances.overdue_vnd, 0)
    or organisations.borrowers > organisations.loans
    or abs(shares.share_of_entrusted_pct - 100) > 0.00001
