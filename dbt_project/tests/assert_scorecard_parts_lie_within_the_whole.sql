-- No part of the branch is greater than the branch.
select *
from {{ candidates(ref('mart_branch_scorecard')) }} as scorecard
where
    outstanding_vnd <> in_term_vnd + overdue_vnd + frozen_vnd
    or borrowers > loans
    or clean_communes > communes
    or absconded_borrowers > absconded_cases
    or offices_delivered > offices_expected
    or overdue_ratio_pct > overdue_frozen_ratio_pct
    or par90_ratio_pct > par30_ratio_pct
    or borrowers_reached_qtd < 0
    or (outstanding_vnd = 0) <> (overdue_ratio_pct is null)
