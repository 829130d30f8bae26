-- Law 9 for a quarter: the change of the outstanding is what was lent less what was collected and written off, and what
-- was moved in from other branches (a column that drafts of before 2026-12 lack).
with flows as (
    select
        f.head_code,
        sum(
            l.disbursed_vnd - l.collected_vnd - l.written_off_vnd
            + coalesce((to_jsonb(l) ->> 'transferred_vnd')::numeric, 0)
        ) as change_vnd
    from quarters.lending_flows as l
    inner join quarters.families_of({code}) as f on l.branch_code = f.branch_code and l.business_date between f.valid_from and f.valid_to
    where l.quarter_code = {code} and l.version = {version}
    group by f.head_code
)

select
    s.branch_code,
    format(
        'the outstanding changed by %s đồng in the quarter, the flows say %s', s.change_from_quarter_start_vnd,
        coalesce(f.change_vnd, 0)
    ) as message
from quarters.branch_scorecard as s
left join flows as f on s.branch_code = f.head_code
where
    s.quarter_code = {code} and s.version = {version}
    -- Null where the opening is not visible or intervals are broken: then there is nothing to be proved.
    and s.disbursed_qtd_vnd is not null and s.change_from_quarter_start_vnd <> coalesce(f.change_vnd, 0)
