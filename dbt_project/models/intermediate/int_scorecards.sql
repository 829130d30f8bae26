-- One row a unit (a branch or the nation, and a date): its headline figures, each measure defined here for both.
{{ config(materialized="unit_rows", meta={"part": ["history", "nation"]}) }}

with states as (
    select * from {{ ref('int_unit_states') }}
),

communes as (
    select * from {{ ref('int_unit_communes') }}
),

flows as (
    select * from {{ ref('int_period_flows') }}
),

reached as (
    select * from {{ ref('int_period_borrowers') }}
),

openings as (
    select * from {{ ref('int_period_openings') }}
)

select
    states.business_date,
    states.branch_code,
    states.outstanding_vnd,
    states.in_term_vnd,
    states.overdue_vnd,
    states.frozen_vnd,
    states.loans,
    states.borrowers,
    round(states.outstanding_vnd::numeric / nullif(states.borrowers, 0))::bigint as avg_outstanding_per_borrower_vnd,
    states.outstanding_vnd - year_opening.outstanding_vnd as change_from_year_start_vnd,
    states.outstanding_vnd - quarter_opening.outstanding_vnd as change_from_quarter_start_vnd,
    flows.disbursed_qtd_vnd,
    flows.disbursed_ytd_vnd,
    flows.collected_qtd_vnd,
    flows.collected_ytd_vnd,
    case when flows.is_quarter_covered then coalesce(reached.borrowers_reached_qtd, 0) end as borrowers_reached_qtd,
    case when flows.is_year_covered then coalesce(reached.borrowers_reached_ytd, 0) end as borrowers_reached_ytd,
    {{ overdue_ratio_pct("states") }} as overdue_ratio_pct,
    {{ overdue_frozen_ratio_pct("states") }} as overdue_frozen_ratio_pct,
    {{ percent("states.par30_vnd", "states.outstanding_vnd") }} as par30_ratio_pct,
    {{ percent("states.par90_vnd", "states.outstanding_vnd") }} as par90_ratio_pct,
    {{ local_share_of_capital_pct("states") }} as local_share_of_capital_pct,
    {{ local_share_of_outstanding_pct("states") }} as local_share_of_outstanding_pct,
    states.absconded_borrowers,
    states.absconded_cases,
    {{ percent("states.entrusted_vnd", "states.outstanding_vnd") }} as entrusted_share_pct,
    states.groups,
    {{ groups_good_pct("states") }} as groups_good_pct,
    coalesce(communes.communes, 0) as communes,
    coalesce(communes.clean_communes, 0) as clean_communes,
    states.offices_delivered,
    states.offices_expected,
    states.branches_delivered,
    states.is_provisional
from states
inner join flows on states.branch_code = flows.branch_code and states.business_date = flows.business_date
left join communes on states.branch_code = communes.branch_code and states.business_date = communes.business_date
left join reached on states.branch_code = reached.branch_code and states.business_date = reached.business_date
left join openings as year_opening
    on
        states.branch_code = year_opening.branch_code
        and states.business_date = year_opening.business_date
        and year_opening.opening = 'year'
left join openings as quarter_opening
    on
        states.branch_code = quarter_opening.branch_code
        and states.business_date = quarter_opening.business_date
        and quarter_opening.opening = 'quarter'
