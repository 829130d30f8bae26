-- One row a business date and branch.
{{ config(meta={"part": "state"}) }}

with units as (
    select * from {{ ref('int_units') }} where part = 'state'
),

totals as (
    select * from {{ ref('int_capital_totals') }}
)

select
    units.business_date,
    units.branch_code,
    units.current_branch_code,
    units.is_provisional,
    totals.capital_total_vnd,
    totals.central_vnd,
    totals.mobilised_vnd,
    totals.local_vnd,
    totals.local_share_of_capital_pct,
    totals.local_outstanding_vnd,
    totals.local_share_of_outstanding_pct,
    totals.local_idle_vnd,
    totals.local_utilisation_pct,
    units.offices_delivered,
    units.offices_expected
from units
inner join totals on units.delivery_id = totals.delivery_id
