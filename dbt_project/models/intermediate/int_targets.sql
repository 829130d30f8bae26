-- One row a delivery and target in force on its date (the highest version that is valid), with its balances.
-- Kept, because what earlier deliveries brought changes the progress and not the balances.
{{ config(materialized="unit_rows", meta={"part": "state", "kept": true}) }}

with versions as (
    select
        *,
        -- A target is about the commune that its scope is when it is judged.
        greatest(valid_from, least(business_date, due_on)) as communes_on
    from {{ ref('stg_plan_targets') }}
    where delivery_id in {{ delivery_ids("state") }} and valid_from <= business_date
),

targets as (
    select distinct on (delivery_id, plan_id) *
    from versions
    order by delivery_id asc, plan_id asc, version desc
),

states as (
    select * from {{ ref('int_scope_states') }}
),

ancestors as (
    select * from {{ ref('int_source_ancestors') }}
)

select
    targets.delivery_id,
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
    targets.valid_from,
    targets.communes_on,
    coalesce(sum(states.outstanding_vnd), 0)::bigint as outstanding_vnd,
    coalesce(sum(states.overdue_vnd), 0)::bigint as overdue_vnd,
    coalesce(sum(states.frozen_vnd), 0)::bigint as frozen_vnd,
    coalesce(sum(states.capital_total_vnd), 0)::bigint as capital_total_vnd,
    coalesce(sum(states.local_vnd), 0)::bigint as local_vnd,
    coalesce(sum(states.deposits_vnd), 0)::bigint as deposits_vnd
from targets
left join states
    on
        targets.delivery_id = states.delivery_id
        and targets.scope_kind = states.scope_kind
        and (targets.scope_kind = 'branch' or targets.scope_code = states.scope_code)
        and {{ is_of_target("targets", "states") }}
group by
    targets.delivery_id,
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
    targets.valid_from,
    targets.communes_on
