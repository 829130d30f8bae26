-- A band of days holds overdue debt, `frozen` none; what stands with borrowers who left is part of the row.
select *
from {{ candidates(ref('mart_overdue_debt')) }} as debt
where
    (overdue_band = 'frozen') <> (overdue_vnd = 0)
    or (overdue_band = 'frozen' and frozen_vnd = 0)
    or overdue_vnd + frozen_vnd > outstanding_of_loans_vnd
    or absconded_loans not between 0 and loans
    or absconded_overdue_vnd not between 0 and overdue_vnd
