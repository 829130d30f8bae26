-- Rows of a full dataset, or outstanding, that changed by more than 10 % since the delivery before (section 5, warnings).
with sizes as (
    select
        f.dataset,
        sum(f.row_count) filter (where f.delivery_id = {delivery}) as rows_now,
        sum(f.row_count) filter (where f.delivery_id <> {delivery}) as rows_before
    from meta.delivery_files as f
    where f.delivery_id in ({delivery}, {opening}) and f.dataset = any ({full_datasets})
    group by f.dataset
),

outstanding as (
    select
        delivery_id,
        (control_totals ->> 'in_term_vnd')::numeric + (control_totals ->> 'overdue_vnd')::numeric
        + (control_totals ->> 'frozen_vnd')::numeric as amount_vnd
    from meta.delivery_files
    where delivery_id in ({delivery}, {opening}) and dataset = 'loan_book'
),

measures as (
    select
        dataset,
        null as column_name,
        'rows' as unit,
        rows_now::numeric as now_value,
        rows_before::numeric as before_value
    from sizes
    union all
    select
        'loan_book',
        'outstanding_vnd',
        'đồng outstanding',
        sum(amount_vnd) filter (where delivery_id = {delivery}),
        sum(amount_vnd) filter (where delivery_id <> {delivery})
    from outstanding
)

select
    m.dataset,
    null::bigint,
    m.column_name,
    'large-change',
    'warning',
    m.now_value::text,
    format('%s: %s %s after %s in the delivery before, a change of more than 10 %%; check that the extract is whole.',
        m.dataset, m.now_value, m.unit, m.before_value)
from measures as m
where abs(m.now_value - m.before_value) * 10 > m.before_value
