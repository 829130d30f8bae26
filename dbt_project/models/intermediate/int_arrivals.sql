-- One row a branch and date of the build: its last arrival, that of the highest revision, the best of equals.
{{ config(materialized="unit_rows", meta={"part": "status"}) }}

with dates as (
    select * from {{ ref('int_status_dates') }}
),

ledger as (
    select * from {{ ref('stg_ledger') }} where verdict <> 'duplicate' and revision is not null
),

deliveries as (
    select * from {{ ref('stg_deliveries') }}
),

files as (
    select * from {{ ref('stg_delivery_files') }}
),

findings as (
    select * from {{ ref('stg_findings') }}
),

-- A duplicate repeats what is known, and the order of arrival changes nothing that is visible: neither counts here.
latest_entries as (
    select distinct on (ledger.branch_code, ledger.business_date, coalesce(ledger.delivery_id, -ledger.entry_no))
        ledger.entry_no,
        ledger.at,
        ledger.branch_code,
        ledger.business_date,
        ledger.revision,
        ledger.delivery_id,
        ledger.verdict,
        ledger.opening
    from dates
    inner join ledger on dates.business_date = ledger.business_date
    order by
        ledger.branch_code asc,
        ledger.business_date asc,
        coalesce(ledger.delivery_id, -ledger.entry_no) asc,
        ledger.entry_no desc
),

arrivals as (
    select distinct on (branch_code, business_date)
        at,
        branch_code,
        business_date,
        revision,
        delivery_id,
        verdict,
        opening
    from latest_entries
    order by
        branch_code asc,
        business_date asc,
        revision desc,
        array_position(array['published', 'published_with_warnings', 'provisional', 'held', 'refused'], verdict) asc,
        entry_no desc
)

select
    arrivals.branch_code,
    arrivals.business_date,
    arrivals.delivery_id,
    arrivals.verdict,
    arrivals.revision,
    coalesce(deliveries.received_at, arrivals.at) as arrived_at,
    deliveries.offices_expected - deliveries.offices_delivered as offices_missing,
    (
        select sum(files.row_count)::bigint
        from files
        where files.delivery_id = arrivals.delivery_id
    ) as rows,
    (
        select count(*)
        from findings
        where
            findings.delivery_id = arrivals.delivery_id
            and (findings.opening is null or findings.opening = arrivals.opening)
    ) as findings
from arrivals
left join deliveries on arrivals.delivery_id = deliveries.delivery_id
