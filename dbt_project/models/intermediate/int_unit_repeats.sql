-- One row a unit with customers of several of its branches: how often adding up branches counts them too much.
{{ config(materialized="unit_rows", meta={"part": "nation"}) }}

with members as (
    select * from {{ ref('int_unit_members') }}
),

shared_customers as (
    select * from {{ ref('int_shared_customers') }}
),

holders as (
    select distinct
        members.branch_code,
        members.business_date,
        holder.delivery_id,
        shared_customers.customer_id,
        shared_customers.is_absconded
    from shared_customers
    inner join members on shared_customers.delivery_id = members.delivery_id
    inner join members as others
        on
            shared_customers.other_delivery_id = others.delivery_id
            and members.branch_code = others.branch_code
            and members.business_date = others.business_date
    -- A pair is noted by the delivery that was built with the other one beside it.
    cross join lateral (
        values (shared_customers.delivery_id), (shared_customers.other_delivery_id)
    ) as holder (delivery_id)
),

repeats as (
    select
        branch_code,
        business_date,
        customer_id,
        is_absconded,
        count(*) - 1 as repeated
    from holders
    group by branch_code, business_date, customer_id, is_absconded
)

select
    branch_code,
    business_date,
    coalesce(sum(repeated) filter (where not is_absconded), 0)::bigint as repeated_borrowers,
    coalesce(sum(repeated) filter (where is_absconded), 0)::bigint as repeated_absconded_borrowers
from repeats
group by branch_code, business_date
