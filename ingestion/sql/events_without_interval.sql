-- Events where there can be none: a branch's first delivery, or a day without business (contract section 2).
select
    {dataset},
    r.row_no,
    null,
    'constraint-error',
    'error',
    null,
    {problem}
from {rows} as r
