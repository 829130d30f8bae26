-- One row a delivery, value date, office, commune, programme and source: what was lent, collected, written off and
-- moved in. Kept, because targets count over many deliveries.
{{ config(materialized="unit_rows", meta={"part": "flows", "kept": true, "single": true}) }}

with transactions as (
    select *
    from {{ ref('stg_loan_transactions') }}
    where
        delivery_id in {{ delivery_ids("flows") }}
        and kind in (
            'disbursement', 'principal', 'interest', 'to_overdue', 'write_off', 'transfer_in', 'transfer_out'
        )
),

-- A loan counts once a day however many tranches it has, and takes itself back when it is reversed; one that is lent
-- anew with another amount on the day that it is reversed is the same loan still.
contracts as (
    select
        delivery_id,
        value_date,
        office_code,
        commune_code,
        programme_code,
        source_code,
        coalesce(sum(amount_vnd) filter (where kind = 'disbursement'), 0) as disbursed_vnd,
        coalesce(sum(sign(amount_vnd)) filter (where kind = 'disbursement'), 0) as tranches,
        coalesce(sum(amount_vnd) filter (where kind = 'principal'), 0) as collected_vnd,
        coalesce(sum(amount_vnd) filter (where kind = 'interest'), 0) as interest_collected_vnd,
        coalesce(sum(amount_vnd) filter (where kind = 'to_overdue'), 0) as to_overdue_vnd,
        coalesce(sum(amount_vnd) filter (where kind = 'principal' and bucket = 'overdue'), 0) as overdue_collected_vnd,
        coalesce(sum(amount_vnd) filter (where kind = 'write_off'), 0) as written_off_vnd,
        coalesce(sum(amount_vnd) filter (where kind = 'transfer_in'), 0)
        - coalesce(sum(amount_vnd) filter (where kind = 'transfer_out'), 0) as transferred_vnd
    from transactions
    group by
        delivery_id, value_date, office_code, commune_code, programme_code, source_code, contract_no, customer_id
)

select
    delivery_id,
    value_date,
    office_code,
    commune_code,
    programme_code,
    source_code,
    sum(disbursed_vnd)::bigint as disbursed_vnd,
    sum(sign(tranches))::bigint as disbursed_loans,
    sum(collected_vnd)::bigint as collected_vnd,
    sum(interest_collected_vnd)::bigint as interest_collected_vnd,
    sum(to_overdue_vnd)::bigint as to_overdue_vnd,
    sum(overdue_collected_vnd)::bigint as overdue_collected_vnd,
    sum(written_off_vnd)::bigint as written_off_vnd,
    sum(transferred_vnd)::bigint as transferred_vnd
from contracts
group by delivery_id, value_date, office_code, commune_code, programme_code, source_code
