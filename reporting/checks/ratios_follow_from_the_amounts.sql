-- The headline ratios are what their amounts say, in percent with six decimals.
select
    s.branch_code,
    format('%s is %s, its amounts make %s', m.measure, m.stated, m.computed) as message
from quarters.branch_scorecard as s
cross join lateral (
    values
    ('overdue_ratio_pct', s.overdue_ratio_pct, round(100 * s.overdue_vnd::numeric / nullif(s.outstanding_vnd, 0), 6)),
    (
        'overdue_frozen_ratio_pct', s.overdue_frozen_ratio_pct,
        round(100 * (s.overdue_vnd + s.frozen_vnd)::numeric / nullif(s.outstanding_vnd, 0), 6)
    )
) as m (measure, stated, computed)
where s.quarter_code = {code} and s.version = {version} and m.stated is distinct from m.computed
