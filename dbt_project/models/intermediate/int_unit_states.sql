-- One row a unit (a branch or the nation, and a date): the states of its branches added up, every person counted once.
{{ config(materialized="unit_rows", meta={"part": ["history", "nation"]}) }}

with members as (
    select * from {{ ref('int_unit_members') }}
),

states as (
    select * from {{ ref('int_branch_states') }}
),

capital as (
    select * from {{ ref('int_capital_totals') }}
),

repeats as (
    select * from {{ ref('int_unit_repeats') }}
),

sums as (
    select
        members.branch_code,
        members.business_date,
        sum(states.loans)::bigint as loans,
        sum(states.borrowers)::bigint as borrowers,
        sum(states.in_term_vnd)::bigint as in_term_vnd,
        sum(states.overdue_vnd)::bigint as overdue_vnd,
        sum(states.frozen_vnd)::bigint as frozen_vnd,
        sum(states.outstanding_vnd)::bigint as outstanding_vnd,
        sum(states.par30_vnd)::bigint as par30_vnd,
        sum(states.par90_vnd)::bigint as par90_vnd,
        sum(states.entrusted_vnd)::bigint as entrusted_vnd,
        sum(states.local_outstanding_vnd)::bigint as local_outstanding_vnd,
        sum(states.absconded_cases)::bigint as absconded_cases,
        sum(states.absconded_borrowers)::bigint as absconded_borrowers,
        sum(states.groups)::bigint as groups,
        sum(states.groups_graded)::bigint as groups_graded,
        sum(states.groups_good)::bigint as groups_good,
        sum(capital.capital_total_vnd)::bigint as capital_total_vnd,
        sum(capital.local_vnd)::bigint as local_vnd,
        sum(members.offices_delivered)::integer as offices_delivered,
        sum(members.offices_expected)::integer as offices_expected,
        bool_or(members.is_provisional) as is_provisional,
        count(*)::integer as branches_delivered
    from members
    inner join states on members.delivery_id = states.delivery_id
    inner join capital on members.delivery_id = capital.delivery_id
    group by members.branch_code, members.business_date
)

select
    sums.branch_code,
    sums.business_date,
    sums.loans,
    sums.borrowers - coalesce(repeats.repeated_borrowers, 0) as borrowers,
    sums.in_term_vnd,
    sums.overdue_vnd,
    sums.frozen_vnd,
    sums.outstanding_vnd,
    sums.par30_vnd,
    sums.par90_vnd,
    sums.entrusted_vnd,
    sums.local_outstanding_vnd,
    sums.absconded_cases,
    sums.absconded_borrowers - coalesce(repeats.repeated_absconded_borrowers, 0) as absconded_borrowers,
    sums.groups,
    sums.groups_graded,
    sums.groups_good,
    sums.capital_total_vnd,
    sums.local_vnd,
    sums.offices_delivered,
    sums.offices_expected,
    sums.is_provisional,
    sums.branches_delivered
from sums
left join repeats on sums.branch_code = repeats.branch_code and sums.business_date = repeats.business_date
