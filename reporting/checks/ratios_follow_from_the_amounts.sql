-- The headline ratios are what their amounts say, in percent with six decimals.
select
    s.branch_code,
    format('%s is %s, its amounts make %s', m.measure, m.stated, m.computed) as message
from quarters.branch_scorecard as s
cross join lateral (
    values
    ('overdue_ratio_pct', s.overdue_ratio_pct, quarters.percent(s.overdue_vnd, s.outstanding_vnd)),
    (
        'overdue_frozen_ratio_pct', s.overdue_frozen_ratio_pct,
        quarters.percent(s.overdue_vnd + s.frozen_vnd, s.outstanding_vnd)
    )
) as m (measure, stated, computed)
where s.quarter_code = {code} and s.version = {version} and m.stated is distinct from m.computed
