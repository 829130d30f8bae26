-- One row a delivery and entrusted organisation (none: the whole delivery): borrowers, each counted once in each row.
{{ config(materialized="unit_rows", meta={"part": "state", "single": true}) }}

with customers as (
    select
        delivery_id,
        customer_id,
        bool_or(organisation_code = 'ND') as is_nd,
        bool_or(organisation_code = 'PN') as is_pn,
        bool_or(organisation_code = 'CCB') as is_ccb,
        bool_or(organisation_code = 'TN') as is_tn
    from {{ ref('int_loans') }}
    where delivery_id in {{ delivery_ids("state") }}
    group by delivery_id, customer_id
),

-- One pass over the customers for all rows: the four organisations are the contract's.
counts as (
    select
        delivery_id,
        count(*) as all_borrowers,
        count(*) filter (where is_nd) as nd_borrowers,
        count(*) filter (where is_pn) as pn_borrowers,
        count(*) filter (where is_ccb) as ccb_borrowers,
        count(*) filter (where is_tn) as tn_borrowers
    from customers
    group by delivery_id
)

select
    counts.delivery_id,
    counted.organisation_code,
    counted.borrowers
from counts
cross join lateral (
    values
    (null, counts.all_borrowers),
    ('ND', counts.nd_borrowers),
    ('PN', counts.pn_borrowers),
    ('CCB', counts.ccb_borrowers),
    ('TN', counts.tn_borrowers)
) as counted (organisation_code, borrowers)
