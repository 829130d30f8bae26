-- One row a unit (branch and last day of a quarter) and pair of states: loans that went from the one to the other.
{{ config(materialized="unit_rows", meta={"part": "migration"}) }}

with units as (
    select * from {{ ref('int_units') }} where part = 'migration'
),

openings as (
    select * from {{ ref('int_migration_openings') }}
),

loans as not materialized (
    select * from {{ ref('int_loans') }} where delivery_id in {{ delivery_ids("migration") }}
),

-- Two branches that were merged may have used one number for two contracts of a customer: together they are one.
before as (
    select
        openings.branch_code,
        openings.business_date,
        loans.contract_no,
        loans.customer_id,
        sum(loans.overdue_vnd) as overdue_vnd,
        sum(loans.frozen_vnd) as frozen_vnd,
        sum(loans.outstanding_vnd) as outstanding_vnd
    from openings
    inner join loans on openings.delivery_id = loans.delivery_id
    group by openings.branch_code, openings.business_date, loans.contract_no, loans.customer_id
),

after as (
    select
        units.branch_code,
        units.business_date,
        loans.contract_no,
        loans.customer_id,
        loans.overdue_vnd,
        loans.frozen_vnd,
        loans.outstanding_vnd
    from units
    inner join loans on units.delivery_id = loans.delivery_id
),

moves as (
    select
        coalesce(after.branch_code, before.branch_code) as branch_code,
        coalesce(after.business_date, before.business_date) as business_date,
        case when before.contract_no is null then 'new' else {{ debt_state("before") }} end as from_state,
        case when after.contract_no is null then 'closed' else {{ debt_state("after") }} end as to_state,
        before.outstanding_vnd as outstanding_from_vnd,
        after.outstanding_vnd as outstanding_to_vnd
    from before
    full outer join after
        on
            before.branch_code = after.branch_code
            and before.business_date = after.business_date
            and before.contract_no = after.contract_no
            and before.customer_id = after.customer_id
)

select
    branch_code,
    business_date,
    from_state,
    to_state,
    count(*) as loans,
    coalesce(sum(outstanding_from_vnd), 0)::bigint as outstanding_from_vnd,
    coalesce(sum(outstanding_to_vnd), 0)::bigint as outstanding_to_vnd
from moves
group by branch_code, business_date, from_state, to_state
