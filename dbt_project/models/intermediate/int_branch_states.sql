-- One row a delivery: the state of the branch on its date. Kept, because later dates compare themselves with it.
{{ config(materialized="unit_rows", meta={"part": "state", "kept": true}) }}

with units as (
    select * from {{ ref('int_units') }} where part = 'state'
),

totals as (
    select
        delivery_id,
        sum(loans)::bigint as loans,
        sum(in_term_vnd)::bigint as in_term_vnd,
        sum(overdue_vnd)::bigint as overdue_vnd,
        sum(frozen_vnd)::bigint as frozen_vnd,
        sum(outstanding_vnd)::bigint as outstanding_vnd,
        sum(par30_vnd)::bigint as par30_vnd,
        sum(par90_vnd)::bigint as par90_vnd,
        sum(entrusted_vnd)::bigint as entrusted_vnd,
        coalesce(sum(outstanding_vnd) filter (where source_code <> 'TW'), 0)::bigint as local_outstanding_vnd
    from {{ ref('int_loan_groups') }}
    group by delivery_id
),

borrowers as (
    select * from {{ ref('int_borrowers') }} where organisation_code is null
),

absconded as (
    select
        delivery_id,
        count(*) as absconded_cases,
        count(*) filter (where is_first_of_borrower) as absconded_borrowers
    from {{ ref('int_open_absconded_cases') }}
    where delivery_id in {{ delivery_ids("state") }}
    group by delivery_id
),

savings_groups as (
    select
        delivery_id,
        count(*) as groups,
        count(*) filter (where grade is not null) as groups_graded,
        count(*) filter (where grade = 'T') as groups_good
    from {{ ref('stg_savings_groups') }}
    where delivery_id in {{ delivery_ids("state") }} and status = 'active'
    group by delivery_id
)

select
    units.delivery_id,
    coalesce(totals.loans, 0) as loans,
    coalesce(borrowers.borrowers, 0) as borrowers,
    coalesce(totals.in_term_vnd, 0) as in_term_vnd,
    coalesce(totals.overdue_vnd, 0) as overdue_vnd,
    coalesce(totals.frozen_vnd, 0) as frozen_vnd,
    coalesce(totals.outstanding_vnd, 0) as outstanding_vnd,
    coalesce(totals.par30_vnd, 0) as par30_vnd,
    coalesce(totals.par90_vnd, 0) as par90_vnd,
    coalesce(totals.entrusted_vnd, 0) as entrusted_vnd,
    coalesce(totals.local_outstanding_vnd, 0) as local_outstanding_vnd,
    coalesce(absconded.absconded_cases, 0) as absconded_cases,
    coalesce(absconded.absconded_borrowers, 0) as absconded_borrowers,
    coalesce(savings_groups.groups, 0) as groups,
    coalesce(savings_groups.groups_graded, 0) as groups_graded,
    coalesce(savings_groups.groups_good, 0) as groups_good
from units
left join totals on units.delivery_id = totals.delivery_id
left join borrowers on units.delivery_id = borrowers.delivery_id
left join absconded on units.delivery_id = absconded.delivery_id
left join savings_groups on units.delivery_id = savings_groups.delivery_id
