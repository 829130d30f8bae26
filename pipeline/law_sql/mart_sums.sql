-- Law 2: the loans and đồng of a mart are those of the delivery that it was built from.
with shown as (
    select
        branch_code,
        business_date,
        sum(loans) as loans,
        sum(outstanding_vnd) as outstanding_vnd
    from marts.mart_loan_balances
    group by branch_code, business_date
)

select
    format('mart_loan_balances of branch %s on %s', u.branch_code, u.business_date),
    case when (coalesce(s.loans, 0), coalesce(s.outstanding_vnd, 0)) is distinct from (f.row_count, d.outstanding_vnd) then
        format(
            'it has %s loans with %s đồng, delivery %s has %s with %s', coalesce(s.loans, 0),
            coalesce(s.outstanding_vnd, 0), u.delivery_id, f.row_count, d.outstanding_vnd
        )
    end
from meta.current_units as u
inner join meta.delivery_files as f on u.delivery_id = f.delivery_id and f.dataset = 'loan_book'
cross join lateral (
    select
        (f.control_totals ->> 'in_term_vnd')::numeric + (f.control_totals ->> 'overdue_vnd')::numeric
        + (f.control_totals ->> 'frozen_vnd')::numeric as outstanding_vnd
) as d
left join shown as s on u.branch_code = s.branch_code and u.business_date = s.business_date
where u.part = 'state'
