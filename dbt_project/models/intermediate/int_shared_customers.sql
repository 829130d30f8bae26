-- One row a delivery, another one of the same date and a customer who is in both, as a borrower or as one who left.
-- Kept: few customers borrow in two provinces, and with them the nation's count needs no loan book a second time.
{{ config(materialized="unit_rows", meta={"part": "state", "kept": true}) }}

{% set suspected = suspected_customers(ref('int_loans')) %}

with customers as {{ "materialized" if suspected else "not materialized" }} (
    select
        delivery_id,
        business_date,
        customer_id,
        false as is_absconded
    from {{ ref('int_loans') }}
    where
        delivery_id in {{ delivery_ids("nation") }}
        and {{ "customer_id in (" ~ suspected ~ ")" if suspected else "true" }}
    union all
    select
        delivery_id,
        business_date,
        customer_id,
        true as is_absconded
    from {{ ref('int_open_absconded_cases') }}
    where delivery_id in {{ delivery_ids("nation") }} and is_first_of_borrower
),

shared as (
    select
        business_date,
        customer_id,
        is_absconded
    from customers
    group by business_date, customer_id, is_absconded
    having min(delivery_id) <> max(delivery_id)
),

holders as (
    select distinct
        customers.delivery_id,
        customers.business_date,
        customers.customer_id,
        customers.is_absconded
    from customers
    inner join shared
        on
            customers.business_date = shared.business_date
            and customers.customer_id = shared.customer_id
            and customers.is_absconded = shared.is_absconded
)

select
    holders.delivery_id,
    others.delivery_id as other_delivery_id,
    holders.customer_id,
    holders.is_absconded
from holders
inner join holders as others
    on
        holders.business_date = others.business_date
        and holders.customer_id = others.customer_id
        and holders.is_absconded = others.is_absconded
        and holders.delivery_id <> others.delivery_id
where holders.delivery_id in {{ delivery_ids("state") }}
