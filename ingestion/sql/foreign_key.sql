-- Values of {column} that {referenced} does not have (contract section 5, rule 1).
select
    {dataset},
    r.row_no,
    {column_name},
    'foreign-key',
    'error',
    r.{column},
    format('%s %s is not in %s; correct it or send its row too.', {column_name}, r.{column}, {referenced_name})
from {rows} as r
where
    r.{column} is not null
    and not exists (select from {referenced} as f where f.{referenced_column} = r.{column})
