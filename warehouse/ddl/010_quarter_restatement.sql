-- Every published figure beside what the warehouse says now, with the cause of the difference.
--
-- late delivery       a delivery that the figure depends on had not been published when the quarter was frozen
-- corrected delivery  one that it was made from is not the visible one any more
-- succession          the dated lists of branches and communes have changed
-- calculation         nothing of these: the calculation itself has changed
create or replace function quarters.changed_inputs(quarter_code text, version integer)
returns table (branch_code text, branch_valid_from date, business_date date, cause text, delivery_id bigint)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    with recorded as (
        select d.*
        from quarters.quarter_close as c
        cross join lateral jsonb_to_recordset(c.inputs -> 'deliveries') as d (
            branch_code text, branch_valid_from date, business_date date, delivery_id bigint, descriptor_sha256 text
        )
        where c.quarter_code = $1 and c.version = $2 and c.status = 'draft'
    ),

    visible_then as materialized (
        select v.delivery_id
        from quarters.quarter_close as c
        cross join lateral meta.visible_deliveries_at((c.inputs ->> 'ledger_entry_no')::bigint) as v
        where c.quarter_code = $1 and c.version = $2 and c.status = 'draft'
    ),

    newest as (
        select b.ledger_entry_no from meta.builds as b where b.flipped_at is not null order by b.build_id desc limit 1
    ),

    now as (
        select i.* from newest cross join lateral quarters.input_deliveries($1, newest.ledger_entry_no) as i
    ),

    visible_now as materialized (
        select v.delivery_id from newest cross join lateral meta.visible_deliveries_at(newest.ledger_entry_no) as v
    )

    select
        coalesce(n.branch_code, r.branch_code),
        coalesce(n.branch_valid_from, r.branch_valid_from),
        coalesce(n.business_date, r.business_date),
        case when r.descriptor_sha256 is null then 'late delivery' else 'corrected delivery' end,
        coalesce(n.delivery_id, r.delivery_id)
    from recorded as r
    full outer join now as n
        on
            r.branch_code = n.branch_code and r.branch_valid_from = n.branch_valid_from
            and r.business_date = n.business_date
    where
        r.descriptor_sha256 is distinct from n.descriptor_sha256
        -- How far back is looked depends on the targets: what was visible before, or is as it was, has not changed.
        and (r.delivery_id is not null or n.delivery_id not in (select v.delivery_id from visible_then as v))
        and (n.delivery_id is not null or r.delivery_id not in (select v.delivery_id from visible_now as v))
$$;

-- Who asks, also in a function that runs with its owner's rights.
create or replace function quarters.asking_role() returns text
language sql stable
set search_path = pg_catalog, pg_temp
return coalesce(nullif(current_setting('role'), 'none'), session_user::text);

create or replace function quarters.may_read(quarter_code text, version integer) returns boolean
language sql stable security definer
set search_path = pg_catalog, pg_temp
return
pg_has_role(quarters.asking_role(), 'quarter_keeper', 'usage')
or ($1, $2) in (select p.quarter_code, p.version from quarters.published_versions() as p);

-- The causes that may lie behind a branch's figures ('*' is the nation), and the deliveries that they name; a branch reader is
-- told those of its own branch and of the nation.
create or replace function quarters.causes_of(quarter_code text, version integer)
returns table (branch_code text, causes text [], deliveries bigint [])
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    with changed as (
        select i.branch_code, i.branch_valid_from, i.cause, i.delivery_id from quarters.changed_inputs($1, $2) as i
    ),

    -- A figure of a branch depends on the branch and on all that were merged into it; who took over later has none yet.
    concerned as (
        select f.head_code as branch_code, today.head_code as current_branch_code, c.cause, c.delivery_id
        from changed as c
        inner join meta.branch_families as f on c.branch_code = f.branch_code and c.branch_valid_from = f.valid_from
        inner join meta.branches as head on f.head_code = head.branch_code and f.head_valid_from = head.valid_from
        inner join meta.branch_families as today
            on f.head_code = today.branch_code and f.head_valid_from = today.valid_from and today.is_current
        where
            (f.head_code, f.head_valid_from) = (f.branch_code, f.valid_from)
            or (
                head.valid_from <= quarters.quarter_end($1)
                and coalesce(head.valid_to, 'infinity') >= quarters.quarter_start($1)
            )
        union
        select '*', null, c.cause, c.delivery_id from changed as c
    )

    select c.branch_code, array_agg(distinct c.cause order by c.cause), array_agg(distinct c.delivery_id order by c.delivery_id)
    from concerned as c
    cross join quarters.asking_role() as asking (name)
    where
        quarters.may_read($1, $2)
        and (
            c.branch_code = '*'
            or pg_has_role(asking.name, 'quarter_keeper', 'usage')
            or pg_has_role(asking.name, 'bi_reader', 'usage')
            or c.current_branch_code in (select a.branch_code from meta.branch_access as a where a.role_name = asking.name)
        )
    group by c.branch_code
$$;

create or replace function quarters.is_territory_changed(quarter_code text, version integer) returns boolean
language sql stable security definer
set search_path = pg_catalog, pg_temp
return quarters.may_read($1, $2) and exists (
    select
    from quarters.quarter_close as c
    inner join meta.reference_versions as r on r.file_name in ('branches', 'communes', 'commune_successions')
    where
        c.quarter_code = $1 and c.version = $2 and c.status = 'draft'
        and c.inputs -> 'reference' ->> r.file_name is distinct from r.sha256
);

-- The differences of one version, one row a figure; rows that are alike are never looked at column by column.
create or replace function quarters.restate(quarter_code text, version integer)
returns table (
    table_name text, branch_code text, row_key jsonb, figure text, published_text text, text_now text,
    published_value numeric, value_now numeric, difference numeric, cause text, causes text [], deliveries bigint []
)
language plpgsql stable
as $$
#variable_conflict use_column
declare
    inputs jsonb := (
        select c.inputs from quarters.quarter_close as c
        where c.quarter_code = $1 and c.version = $2 and c.status = 'draft'
    );
    is_territory_changed boolean := quarters.is_territory_changed($1, $2);
    frozen record;
    frozen_names text;
    mart_names text;
    keys text;
begin
    -- Not a version, or not one that the reader may see.
    if inputs is null then
        return;
    end if;
    for frozen in select f.* from quarters.frozen_marts as f order by f.table_name loop
        -- The columns as they were frozen; one that the mart lost since is compared with nothing.
        select
            string_agg(format('t.%I', c.name), ', ' order by c.name),
            string_agg(
                case
                    when m.mart_column is null then format('null::%s as %I', c.data_type, c.name)
                    else format('t.%I as %I', m.mart_column, c.name)
                end, ', ' order by c.name
            ),
            string_agg(format('%L, %I', c.name, c.name), ', ' order by c.name) filter (where c.name = any(frozen.key_columns))
        into frozen_names, mart_names, keys
        from (
            select a.attname::text as name, format_type(a.atttypid, a.atttypmod) as data_type
            from pg_attribute as a
            inner join jsonb_array_elements_text(inputs -> 'tables' -> frozen.table_name -> 'columns') as r (name)
                on a.attname = r.name
            where a.attrelid = to_regclass('quarters.' || frozen.table_name) and not a.attisdropped
        ) as c
        left join quarters.frozen_columns(frozen.table_name) as m on c.name = m.column_name;
        return query execute format(
            $query$
            with published as (
                select %1$s from quarters.%2$I as t where t.quarter_code = $1 and t.version = $2
            ),
            present as (
                select %3$s from marts.%4$I as t where %5$s
            ),
            gone as (
                select jsonb_build_object(%6$s) as row_key, to_jsonb(r) as figures
                from (select * from published except all select * from present) as r
            ),
            come as (
                select jsonb_build_object(%6$s) as row_key, to_jsonb(r) as figures
                from (select * from present except all select * from published) as r
            ),
            changed as (
                select
                    coalesce(gone.row_key, come.row_key) as row_key,
                    coalesce(gone.figures, come.figures) ->> 'branch_code' as branch_code,
                    gone.figures as published,
                    come.figures as present
                from gone
                full outer join come on gone.row_key = come.row_key
            ),
            figures as (
                select
                    changed.row_key, changed.branch_code, f.figure, changed.published -> f.figure as published,
                    changed.present -> f.figure as present
                from changed
                cross join lateral jsonb_object_keys(coalesce(changed.published, changed.present)) as f (figure)
                where
                    not changed.row_key ? f.figure
                    and changed.published -> f.figure is distinct from changed.present -> f.figure
            )
            select
                %2$L::text, f.branch_code, f.row_key, f.figure, f.published #>> '{}', f.present #>> '{}',
                case when jsonb_typeof(f.published) = 'number' then f.published::numeric end,
                case when jsonb_typeof(f.present) = 'number' then f.present::numeric end,
                case
                    when 'number' in (jsonb_typeof(f.published), jsonb_typeof(f.present)) then
                        case when jsonb_typeof(f.present) = 'number' then f.present::numeric else 0 end
                        - case when jsonb_typeof(f.published) = 'number' then f.published::numeric else 0 end
                end,
                a.causes[1], a.causes, coalesce(c.deliveries, '{}')
            from figures as f
            left join quarters.causes_of($1, $2) as c on c.branch_code = coalesce(f.branch_code, '*')
            cross join lateral (
                select case
                    -- Where a row belongs today is a matter of succession, whoever sent what.
                    when $3 and (f.figure like 'current\_%%' or f.figure = 'is_approximate_succession') then array['succession']
                    when c.causes is not null then c.causes || case when $3 then array['succession'] else '{}' end
                    when $3 then array['succession']
                    else array['calculation']
                end
            ) as a (causes)
            $query$,
            frozen_names, frozen.table_name, mart_names, frozen.mart_name,
            case when frozen.is_flow then 't.value_date between quarters.quarter_start($1) and quarters.quarter_end($1)'
                else 't.business_date = quarters.quarter_end($1)' end,
            keys
        ) using $1, $2, is_territory_changed;
    end loop;
end
$$;

create or replace view quarters.restatement with (security_invoker = true) as
select
    v.quarter_code,
    v.version,
    v.is_current,
    r.*
from quarters.versions as v
cross join lateral quarters.restate(v.quarter_code, v.version) as r
where v.status in ('published', 'superseded');
comment on view quarters.restatement is
'One row for each figure of a published version that the warehouse says otherwise now, with the cause.';

revoke execute on function
quarters.asking_role, quarters.may_read, quarters.causes_of, quarters.is_territory_changed
from public;
-- It tells of every branch, and of drafts: causes_of asks it.
revoke execute on function quarters.changed_inputs from public, quarter_keeper, bi_reader, branch_reader;
grant execute on function quarters.causes_of, quarters.is_territory_changed, quarters.frozen_columns
to quarter_keeper, bi_reader, branch_reader;
grant select on quarters.restatement to quarter_keeper, bi_reader, branch_reader;
