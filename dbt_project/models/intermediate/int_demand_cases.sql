-- One row a person entitled to a programme, with what was lent under the contract that the case names.
{{ config(materialized="unit_rows", meta={"part": "state"}) }}

with cases as (
    select * from {{ ref('stg_eligible_demand') }} where delivery_id in {{ delivery_ids("state") }}
),

loans as (
    select * from {{ ref('int_loans') }} where delivery_id in {{ delivery_ids("state") }}
),

-- Contract numbers are re-used, so the customer decides where the case names one; a loan is counted for one case only.
lent as (
    select distinct on (loans.delivery_id, loans.contract_no, loans.customer_id)
        cases.delivery_id,
        cases.case_id,
        loans.disbursed_vnd
    from cases
    inner join loans
        on
            cases.delivery_id = loans.delivery_id
            and cases.contract_no = loans.contract_no
            and (cases.customer_id is null or cases.customer_id = loans.customer_id)
    order by loans.delivery_id, loans.contract_no, loans.customer_id, cases.case_id
),

lent_to_cases as (
    select
        delivery_id,
        case_id,
        sum(disbursed_vnd) as disbursed_vnd
    from lent
    group by delivery_id, case_id
)

select
    cases.delivery_id,
    cases.case_id,
    cases.kind,
    cases.programme_code,
    cases.commune_code,
    cases.status,
    coalesce(cases.need_vnd, 0) as need_vnd,
    coalesce(lent_to_cases.disbursed_vnd, 0)::bigint as disbursed_vnd
from cases
left join lent_to_cases on cases.delivery_id = lent_to_cases.delivery_id and cases.case_id = lent_to_cases.case_id
