-- What the branch sent of each kind is what the mart holds, over all value dates of the delivery.
with delivered as (
    select
        delivery_id,
        coalesce(sum(amount_vnd) filter (where kind = 'disbursement'), 0) as disbursed_vnd,
        coalesce(sum(amount_vnd) filter (where kind = 'principal'), 0) as collected_vnd,
        coalesce(sum(amount_vnd) filter (where kind = 'interest'), 0) as interest_collected_vnd,
        coalesce(sum(amount_vnd) filter (where kind = 'to_overdue'), 0) as to_overdue_vnd,
        coalesce(sum(amount_vnd) filter (where kind = 'write_off'), 0) as written_off_vnd,
        coalesce(sum(amount_vnd) filter (where kind = 'transfer_in'), 0)
        - coalesce(sum(amount_vnd) filter (where kind = 'transfer_out'), 0) as transferred_vnd
    from {{ ref('stg_loan_transactions') }}
    where delivery_id in {{ delivery_ids("flows") }}
    group by delivery_id
),

flows as (
    select
        units.delivery_id,
        coalesce(sum(candidates.disbursed_vnd), 0) as disbursed_vnd,
        coalesce(sum(candidates.collected_vnd), 0) as collected_vnd,
        coalesce(sum(candidates.interest_collected_vnd), 0) as interest_collected_vnd,
        coalesce(sum(candidates.to_overdue_vnd), 0) as to_overdue_vnd,
        coalesce(sum(candidates.written_off_vnd), 0) as written_off_vnd,
        coalesce(sum(candidates.transferred_vnd), 0) as transferred_vnd
    from {{ ref('int_units') }} as units
    left join {{ candidates(ref('mart_lending_flows')) }} as candidates
        on units.branch_code = candidates.branch_code and units.business_date = candidates.business_date
    where units.part = 'flows'
    group by units.delivery_id
)

select
    delivered.*,
    flows.delivery_id as built_delivery_id
from delivered
left join flows on delivered.delivery_id = flows.delivery_id
where
    (
        delivered.disbursed_vnd, delivered.collected_vnd, delivered.interest_collected_vnd, delivered.to_overdue_vnd,
        delivered.written_off_vnd, delivered.transferred_vnd
    ) is distinct from (
        flows.disbursed_vnd, flows.collected_vnd, flows.interest_collected_vnd, flows.to_overdue_vnd,
        flows.written_off_vnd, flows.transferred_vnd
    )
