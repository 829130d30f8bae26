-- One row a quarter, branch, inspecting body and level.
{{ config(meta={"part": "inspections", "branch_column": "branch_code", "date_column": "quarter_ends_on"}) }}

with quarters as (
    select * from {{ ref('int_inspection_quarters') }}
)

select
    {{ quarter_code("quarter_ends_on") }} as quarter_code,
    quarter_ends_on,
    branch_code,
    current_branch_code,
    body,
    level,
    is_provisional,
    inspections,
    communes,
    groups_checked,
    households_checked,
    findings,
    misuse_cases,
    open_findings
from quarters
