-- Law 3: a mart shows of each unit the rows of its current build, all of them and no others.
with built as (
    select
        {built_branch} as branch_code,
        {built_date} as business_date,
        count(*) as row_count
    from {table} as r
    inner join meta.current_units as u
        on
            u.part = {part}
            and u.branch_code = {built_branch}
            and u.business_date = {built_date}
            and u.build_id = r.build_id
    group by 1, 2
),

shown as (
    select
        {built_branch} as branch_code,
        {built_date} as business_date,
        count(*) as row_count
    from {view} as r
    group by 1, 2
)

select
    format('%s of branch %s on %s', {name}, coalesce(b.branch_code, s.branch_code), coalesce(b.business_date, s.business_date)),
    case when b.row_count is distinct from s.row_count then format(
        '%s rows were built, readers see %s', coalesce(b.row_count, 0), coalesce(s.row_count, 0)
    ) end
from built as b
full join shown as s on b.branch_code = s.branch_code and b.business_date = s.business_date
