-- One row a delivery, office, commune, programme, source, organisation and band of overdue debt (none for good loans).
{{ config(materialized="unit_rows", meta={"part": "state", "single": true}) }}

with loans as (
    select * from {{ ref('int_loans') }} where delivery_id in {{ delivery_ids("state") }}
),

absconded as (
    select
        delivery_id,
        customer_id
    from {{ ref('int_open_absconded_cases') }}
    where delivery_id in {{ delivery_ids("state") }} and is_first_of_borrower
)

select
    loans.delivery_id,
    loans.office_code,
    loans.commune_code,
    loans.programme_code,
    loans.source_code,
    loans.organisation_code,
    loans.overdue_band,
    count(*) as loans,
    sum(loans.in_term_vnd)::bigint as in_term_vnd,
    sum(loans.overdue_vnd)::bigint as overdue_vnd,
    sum(loans.frozen_vnd)::bigint as frozen_vnd,
    sum(loans.outstanding_vnd)::bigint as outstanding_vnd,
    sum(loans.interest_due_vnd)::bigint as interest_due_vnd,
    sum(loans.interest_overdue_vnd)::bigint as interest_overdue_vnd,
    coalesce(sum(loans.outstanding_vnd) filter (where loans.days_past_due > 1), 0)::bigint as par1_vnd,
    coalesce(sum(loans.outstanding_vnd) filter (where loans.days_past_due > 30), 0)::bigint as par30_vnd,
    coalesce(sum(loans.outstanding_vnd) filter (where loans.days_past_due > 90), 0)::bigint as par90_vnd,
    coalesce(sum(loans.outstanding_vnd) filter (where loans.days_past_due > 180), 0)::bigint as par180_vnd,
    coalesce(sum(loans.outstanding_vnd) filter (where loans.method = 'entrusted'), 0)::bigint as entrusted_vnd,
    count(absconded.customer_id) as absconded_loans,
    coalesce(
        sum(loans.overdue_vnd) filter (where absconded.customer_id is not null), 0
    )::bigint as absconded_overdue_vnd
from loans
left join absconded on loans.delivery_id = absconded.delivery_id and loans.customer_id = absconded.customer_id
group by
    loans.delivery_id,
    loans.office_code,
    loans.commune_code,
    loans.programme_code,
    loans.source_code,
    loans.organisation_code,
    loans.overdue_band
