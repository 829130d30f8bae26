-- In term, overdue and frozen make the outstanding, of every row and every branch.
select
    branch_code,
    format('in term + overdue + frozen differ from the outstanding by %s đồng', sum(difference)) as message
from (
    select branch_code, in_term_vnd + overdue_vnd + frozen_vnd - outstanding_vnd as difference
    from quarters.loan_balances where quarter_code = {code} and version = {version}
    union all
    select branch_code, in_term_vnd + overdue_vnd + frozen_vnd - outstanding_vnd
    from quarters.branch_scorecard where quarter_code = {code} and version = {version}
) as rows
where difference <> 0
group by branch_code
