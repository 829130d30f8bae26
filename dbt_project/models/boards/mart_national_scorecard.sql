-- One row a business date: the headline figures of every branch that is visible, persons counted once.
{{ config(meta={"part": "nation"}) }}

with units as (
    select * from {{ ref('int_units') }} where part = 'nation'
),

scorecards as (
    select * from {{ ref('int_scorecards') }}
),

branches as (
    select * from {{ ref('int_branch_territory') }}
)

select
    units.business_date,
    scorecards.outstanding_vnd,
    scorecards.in_term_vnd,
    scorecards.overdue_vnd,
    scorecards.frozen_vnd,
    scorecards.loans,
    scorecards.borrowers,
    scorecards.avg_outstanding_per_borrower_vnd,
    scorecards.change_from_year_start_vnd,
    scorecards.change_from_quarter_start_vnd,
    scorecards.disbursed_qtd_vnd,
    scorecards.disbursed_ytd_vnd,
    scorecards.collected_qtd_vnd,
    scorecards.collected_ytd_vnd,
    scorecards.borrowers_reached_qtd,
    scorecards.borrowers_reached_ytd,
    scorecards.overdue_ratio_pct,
    scorecards.overdue_frozen_ratio_pct,
    scorecards.par30_ratio_pct,
    scorecards.par90_ratio_pct,
    scorecards.local_share_of_capital_pct,
    scorecards.local_share_of_outstanding_pct,
    scorecards.absconded_borrowers,
    scorecards.absconded_cases,
    scorecards.entrusted_share_pct,
    scorecards.groups,
    scorecards.groups_good_pct,
    scorecards.communes,
    scorecards.clean_communes,
    scorecards.offices_delivered,
    scorecards.offices_expected,
    scorecards.branches_delivered,
    (
        select count(*)::integer
        from branches
        where units.business_date between branches.valid_from and coalesce(branches.valid_to, 'infinity'::date)
    ) as branches_expected,
    scorecards.is_provisional
from units
inner join scorecards on units.branch_code = scorecards.branch_code and units.business_date = scorecards.business_date
