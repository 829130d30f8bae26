-- One row a unit (branch and date) and target in force, and whether what is delivered can tell of it.
{{ config(materialized="unit_rows", meta={"part": "targets"}) }}

with units as (
    select * from {{ ref('int_units') }} where part = 'targets'
),

targets as (
    select * from {{ ref('int_targets') }}
),

holders as (
    select * from {{ ref('int_commune_holders') }}
),

sources as (
    select * from {{ ref('stg_capital_sources') }}
)

select
    units.branch_code,
    units.branch_valid_from,
    units.current_branch_code,
    units.business_date,
    units.is_provisional,
    targets.plan_id,
    targets.version,
    targets.indicator,
    targets.scope_kind,
    targets.scope_code,
    targets.programme_code,
    targets.source_code,
    targets.period_start,
    targets.due_on,
    targets.target_value,
    targets.unit,
    targets.decided_on,
    targets.outstanding_vnd,
    targets.overdue_vnd,
    targets.frozen_vnd,
    targets.capital_total_vnd,
    targets.local_vnd,
    targets.deposits_vnd,
    targets.communes_on,
    -- What was set for a branch that has gone to this one is not measured by the whole.
    (targets.scope_kind <> 'branch' or targets.scope_code = units.branch_code)
    -- Most new communes of 2025 bear the code of an old one, often of another: what was set for that is not theirs.
    and coalesce(holders.holder_code, targets.scope_code) = targets.scope_code
    -- Loans on central and mobilised money name only the parent, TW: how they divide is not known.
    and (
        targets.indicator in ('local_capital_received', 'local_capital_share_pct', 'deposits')
        or coalesce(sources.tier, 'local') = 'local'
    ) as is_known
from units
inner join targets on units.delivery_id = targets.delivery_id
left join sources on targets.source_code = sources.source_code
left join holders
    on
        targets.scope_kind = 'commune'
        and {{ holds_commune("holders", "targets.scope_code", "targets.valid_from", "targets.communes_on") }}
