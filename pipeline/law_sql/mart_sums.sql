-- Law 2: the loans, capital and đồng of a mart are those of the delivery that it was built from.
with loans as (
    select
        branch_code,
        business_date,
        sum(loans) as loans,
        sum(in_term_vnd) as in_term_vnd,
        sum(overdue_vnd) as overdue_vnd,
        sum(frozen_vnd) as frozen_vnd,
        sum(outstanding_vnd) as outstanding_vnd,
        sum(interest_due_vnd) as interest_due_vnd,
        sum(interest_overdue_vnd) as interest_overdue_vnd
    from marts.mart_loan_balances
    group by branch_code, business_date
),

capital as (
    select
        branch_code,
        business_date,
        sum(balance_vnd) as balance_vnd
    from marts.mart_capital_sources
    group by branch_code, business_date
),

declared as (
    select
        u.*,
        f.row_count,
        (f.control_totals ->> 'in_term_vnd')::numeric as in_term_vnd,
        (f.control_totals ->> 'overdue_vnd')::numeric as overdue_vnd,
        (f.control_totals ->> 'frozen_vnd')::numeric as frozen_vnd,
        (f.control_totals ->> 'interest_due_vnd')::numeric as interest_due_vnd,
        (f.control_totals ->> 'interest_overdue_vnd')::numeric as interest_overdue_vnd,
        (f.control_totals ->> 'balance_vnd')::numeric as balance_vnd
    from meta.current_units as u
    inner join meta.delivery_files as f
        on
            u.delivery_id = f.delivery_id
            and (u.part, f.dataset) in (('state', 'loan_book'), ('history', 'capital_positions'))
)

select
    format('%s of branch %s on %s, %s', c.mart, d.branch_code, d.business_date, c.figure),
    case when coalesce(c.shown, 0) is distinct from c.delivered then
        format('it has %s, delivery %s has %s', coalesce(c.shown, 0), d.delivery_id, c.delivered)
    end
from declared as d
left join loans as l on d.branch_code = l.branch_code and d.business_date = l.business_date
left join capital as k on d.branch_code = k.branch_code and d.business_date = k.business_date
cross join lateral (
    values
    ('state', 'mart_loan_balances', 'loans', l.loans, d.row_count),
    ('state', 'mart_loan_balances', 'in_term_vnd', l.in_term_vnd, d.in_term_vnd),
    ('state', 'mart_loan_balances', 'overdue_vnd', l.overdue_vnd, d.overdue_vnd),
    ('state', 'mart_loan_balances', 'frozen_vnd', l.frozen_vnd, d.frozen_vnd),
    ('state', 'mart_loan_balances', 'outstanding_vnd', l.outstanding_vnd, d.in_term_vnd + d.overdue_vnd + d.frozen_vnd),
    ('state', 'mart_loan_balances', 'interest_due_vnd', l.interest_due_vnd, d.interest_due_vnd),
    ('state', 'mart_loan_balances', 'interest_overdue_vnd', l.interest_overdue_vnd, d.interest_overdue_vnd),
    ('history', 'mart_capital_sources', 'balance_vnd', k.balance_vnd, d.balance_vnd)
) as c (part, mart, figure, shown, delivered)
where c.part = d.part
