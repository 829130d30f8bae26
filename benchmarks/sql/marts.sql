-- The limit: one plain GROUP BY for each mart that a night fills, over the tables that `psql \copy` filled.
create table mart_loan_balances as
select office_code, commune_code, programme_code, source_code, organisation_code, count(*) as loans,
    sum(in_term_vnd) as in_term_vnd, sum(overdue_vnd) as overdue_vnd, sum(frozen_vnd) as frozen_vnd,
    sum(interest_due_vnd) as interest_due_vnd, sum(interest_overdue_vnd) as interest_overdue_vnd,
    sum(in_term_vnd + overdue_vnd + frozen_vnd) filter (where oldest_unpaid_due_on < date '2025-08-31') as par30_vnd
from plain_loan_book group by 1, 2, 3, 4, 5;

create table mart_overdue_debt as
select office_code, commune_code, programme_code, organisation_code,
    width_bucket(date '2025-09-30' - overdue_since, array[31, 91, 181, 361]) as band, count(*) as loans,
    sum(overdue_vnd) as overdue_vnd, sum(frozen_vnd) as frozen_vnd
from plain_loan_book where overdue_vnd > 0 or frozen_vnd > 0 group by 1, 2, 3, 4, 5;

create table mart_capital_sources as
select left(office_code, 2) as branch, source_code, sum(balance_vnd) as balance_vnd from plain_capital_positions group by 1, 2;

create table mart_capital_mix as
select left(office_code, 2) as branch, sum(balance_vnd) as balance_vnd,
    sum(balance_vnd) filter (where source_code like 'DP%') as local_vnd
from plain_capital_positions group by 1;

create table mart_lending_flows as
select value_date, office_code, commune_code, programme_code, source_code, kind, sum(amount_vnd) as amount_vnd
from plain_loan_transactions group by 1, 2, 3, 4, 5, 6;

create table mart_branch_scorecard as
select left(office_code, 2) as branch, count(*) as loans, count(distinct customer_id) as borrowers,
    sum(in_term_vnd + overdue_vnd + frozen_vnd) as outstanding_vnd, sum(overdue_vnd) as overdue_vnd
from plain_loan_book group by 1;

create table mart_national_scorecard as
select count(*) as loans, count(distinct customer_id) as borrowers,
    sum(in_term_vnd + overdue_vnd + frozen_vnd) as outstanding_vnd, sum(overdue_vnd) as overdue_vnd
from plain_loan_book;

create table mart_organisations as
select left(office_code, 2) as branch, organisation_code, count(*) as loans, count(distinct customer_id) as borrowers,
    sum(in_term_vnd + overdue_vnd + frozen_vnd) as outstanding_vnd
from plain_loan_book group by 1, 2;

create table mart_savings_groups as
select group_code, count(*) as loans, sum(in_term_vnd + overdue_vnd + frozen_vnd) as outstanding_vnd
from plain_loan_book group by 1;

create table mart_demand_coverage as
select d.commune_code, d.kind, d.programme_code, count(*) as cases, sum(l.disbursed_vnd) as disbursed_vnd
from plain_eligible_demand as d
left join plain_loan_book as l on d.contract_no = l.contract_no and d.customer_id = l.customer_id
group by 1, 2, 3;

create table mart_absconded_borrowers as
select a.commune_code, count(distinct a.case_id) as cases, sum(l.overdue_vnd) as overdue_vnd
from plain_absconded_cases as a left join plain_loan_book as l on a.customer_id = l.customer_id
where a.closed_on is null group by 1;
