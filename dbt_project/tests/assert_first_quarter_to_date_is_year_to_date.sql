-- Until the end of March quarter and year have the same beginning, the same flows and the same opening.
select *
from {{ candidates(ref('mart_branch_scorecard')) }} as scorecard
where
    extract(month from business_date) <= 3
    and (
        disbursed_qtd_vnd, collected_qtd_vnd, borrowers_reached_qtd, change_from_quarter_start_vnd
    ) is distinct from (
        disbursed_ytd_vnd, collected_ytd_vnd, borrowers_reached_ytd, change_from_year_start_vnd
    )
