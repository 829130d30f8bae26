-- One row a business date, branch, commune and time of absence: open cases, each borrower and loan in one row only.
{{ config(meta={"part": "state"}) }}

with cases as (
    select * from {{ ref('int_absconded_cases') }}
),

units as (
    select * from {{ ref('int_units') }} where part = 'state'
),

communes as (
    select * from {{ ref('int_commune_territory') }}
),

absconded as (
    select
        delivery_id,
        commune_code,
        years_absent,
        count(*) as cases,
        count(*) filter (where is_first_of_borrower) as borrowers,
        sum(loans)::bigint as loans,
        sum(in_term_vnd)::bigint as in_term_vnd,
        sum(overdue_vnd)::bigint as overdue_vnd,
        sum(frozen_vnd)::bigint as frozen_vnd,
        sum(recovered_vnd)::bigint as recovered_vnd
    from cases
    group by delivery_id, commune_code, years_absent
)

select
    units.business_date,
    units.branch_code,
    units.current_branch_code,
    absconded.commune_code,
    coalesce(communes.current_commune_code, absconded.commune_code) as current_commune_code,
    coalesce(communes.is_approximate_succession, false) as is_approximate_succession,
    absconded.years_absent,
    units.is_provisional,
    absconded.cases,
    absconded.borrowers,
    absconded.loans,
    absconded.in_term_vnd,
    absconded.overdue_vnd,
    absconded.frozen_vnd,
    absconded.recovered_vnd
from absconded
inner join units on absconded.delivery_id = units.delivery_id
left join communes
    on
        absconded.commune_code = communes.commune_code
        and units.business_date between communes.valid_from and communes.known_until
