-- Law 5: the triggers that keep the ledger growing are there and on, and no role of the pipeline may pass them by.
with wanted (table_name, trigger_name, function_name, kind) as (
    -- Kind, as pg_trigger has it: 7 = before insert, for each row; 58 = before update, delete or truncate, by statement.
    values
    ('ledger', 'chain', 'chain_ledger_entry', 7),
    ('ledger', 'only_grows', 'refuse_change', 58),
    ('deliveries', 'only_grows', 'refuse_change', 58)
)

select
    format('trigger %s on meta.%s', w.trigger_name, w.table_name),
    case
        when t.oid is null then 'it is not there'
        when t.tgenabled not in ('O', 'A') then 'it is switched off'
        when t.tgtype <> w.kind or t.tgfoid <> to_regproc('meta.' || w.function_name) then 'it does something else'
    end
from wanted as w
left join pg_trigger as t on t.tgrelid = to_regclass('meta.' || w.table_name) and t.tgname = w.trigger_name
union all
select
    format('role %s on meta.%s', r.rolname, w.table_name),
    case when has_table_privilege(r.oid, 'meta.' || w.table_name, 'update, delete, truncate') then 'it may change what is on record' end
from pg_roles as r
cross join (select distinct table_name from wanted) as w
where r.rolname in ('loader', 'transformer', 'quarter_keeper')
