-- Which marts a quarter freezes, the tables that hold them, and the deliveries that they derive from.
create or replace view quarters.frozen_marts as
select
    f.table_name,
    'mart_' || f.table_name as mart_name,
    f.key_columns,
    f.table_name = 'lending_flows' as is_flow
from (
    values
    ('loan_balances', array[
        'branch_code', 'office_code', 'commune_code', 'programme_code', 'source_code', 'organisation_code'
    ]),
    ('overdue_debt', array[
        'branch_code', 'office_code', 'commune_code', 'programme_code', 'organisation_code', 'overdue_band'
    ]),
    ('capital_sources', array['branch_code', 'source_code']),
    ('capital_mix', array['branch_code']),
    ('lending_flows', array[
        'business_date', 'value_date', 'branch_code', 'office_code', 'commune_code', 'programme_code', 'source_code'
    ]),
    ('branch_scorecard', array['branch_code']),
    ('national_scorecard', array['business_date']),
    ('target_progress', array['branch_code', 'plan_id', 'plan_version']),
    ('demand_coverage', array['branch_code', 'commune_code', 'kind', 'programme_code']),
    ('absconded_borrowers', array['branch_code', 'commune_code', 'years_absent']),
    ('organisations', array['branch_code', 'organisation_code'])
) as f (table_name, key_columns);
comment on view quarters.frozen_marts is
'One row for each mart that a quarter freezes. is_flow: rows by value date within the quarter, else those of its last day.';

-- The columns of a mart as they stand in its frozen table: `version` is there the quarter''s, so a plan''s is renamed.
create or replace function quarters.frozen_columns(table_name text)
returns table (column_name text, mart_column text, data_type text, is_collatable boolean, description text, place integer)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select
        case when a.attname = 'version' then 'plan_version' else a.attname::text end,
        a.attname::text,
        format_type(a.atttypid, a.atttypmod),
        t.typcollation <> 0,
        col_description(a.attrelid, a.attnum),
        a.attnum::integer
    from pg_attribute as a
    inner join pg_type as t on a.atttypid = t.oid
    where a.attrelid = to_regclass('marts.mart_' || $1) and a.attnum > 0 and not a.attisdropped
$$;

-- Create the frozen tables that are not there yet and add the columns that are new in their marts; nothing is dropped.
create or replace function quarters.prepare_tables() returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    frozen record;
    wanted record;
    existing text;
    is_changed boolean;
begin
    perform pg_advisory_xact_lock(hashtext('quarters.prepare_tables'));
    for frozen in select f.table_name, f.mart_name from quarters.frozen_marts as f loop
        if to_regclass('marts.' || frozen.mart_name) is null then
            raise exception 'There is no marts.%: a quarter freezes all of its marts or nothing', frozen.mart_name
            using errcode = 'undefined_table';
        end if;
        is_changed := to_regclass('quarters.' || frozen.table_name) is null;
        if is_changed then
            execute format(
                'create table quarters.%I (quarter_code text collate "C" not null, version integer not null)',
                frozen.table_name
            );
            execute format('create index on quarters.%I (quarter_code, version)', frozen.table_name);
        end if;
        for wanted in select * from quarters.frozen_columns(frozen.table_name) order by place loop
            select format_type(a.atttypid, a.atttypmod) into existing from pg_attribute as a
            where a.attrelid = to_regclass('quarters.' || frozen.table_name) and a.attname = wanted.column_name
                and not a.attisdropped;
            if existing is null then
                execute format(
                    'alter table quarters.%I add column %I %s %s', frozen.table_name, wanted.column_name,
                    wanted.data_type, case when wanted.is_collatable then 'collate "C"' end
                );
                execute format(
                    'comment on column quarters.%I.%I is %L', frozen.table_name, wanted.column_name, wanted.description
                );
                is_changed := true;
            elsif existing <> wanted.data_type then
                raise exception 'marts.%.% is now %, in frozen quarters it is %: a type changes with a new mart only',
                    frozen.mart_name, wanted.mart_column, wanted.data_type, existing;
            end if;
        end loop;
        if is_changed then
            perform quarters.protect_table(frozen.table_name);
        end if;
    end loop;
end
$$;

-- Rows only come with a freeze; BI roles see published versions, a branch reader of these its own branch.
create or replace function quarters.protect_table(table_name text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    name text := format('quarters.%I', table_name);
    published text := '(quarter_code, version) in '
        '(select p.quarter_code, p.version from quarters.published_versions() as p)';
    own_branch text := 'current_branch_code in '
        '(select b.branch_code from meta.branch_access as b where b.role_name = current_user)';
begin
    execute format(
        'create or replace trigger only_grows before update or delete or truncate on %s '
        'for each statement execute function meta.refuse_change()', name
    );
    execute format(
        'create or replace trigger no_late_rows after insert on %s referencing new table as added '
        'for each statement execute function quarters.refuse_late_rows()', name
    );
    execute format(
        'comment on column %1$s.quarter_code is ''The quarter, such as 2025Q3.'';'
        'comment on column %1$s.version is ''The version of the quarter''''s close (quarters.versions).'';'
        'comment on table %1$s is %2$L', name,
        format('Frozen rows of marts.mart_%s, by quarter and version; they never change.', table_name)
    );
    if not exists (
        select from pg_attribute as a
        where a.attrelid = name::regclass and a.attname = 'current_branch_code' and not a.attisdropped
    ) then
        own_branch := 'true';
    end if;
    execute format('alter table %s enable row level security', name);
    execute format('drop policy if exists all_rows on %s', name);
    execute format('create policy all_rows on %s to quarter_keeper using (true) with check (true)', name);
    execute format('drop policy if exists published_rows on %s', name);
    execute format('create policy published_rows on %s for select to bi_reader using (%s)', name, published);
    execute format('drop policy if exists own_rows on %s', name);
    execute format(
        'create policy own_rows on %s for select to branch_reader using (%s and %s)', name, published, own_branch
    );
    execute format('grant select on %s to quarter_keeper, bi_reader, branch_reader', name);
    execute format('grant insert on %s to quarter_keeper', name);
end
$$;

-- The branches that hold their territory on a quarter's last day, each with itself and those merged into it.
create or replace function quarters.families_of(quarter_code text)
returns table (head_code text, branch_code text, valid_from date, valid_to date)
language sql stable
as $$
    select f.head_code, f.branch_code, f.valid_from, coalesce(member.valid_to, 'infinity'::date)
    from meta.branch_families as f
    inner join meta.branches as head on f.head_code = head.branch_code and f.head_valid_from = head.valid_from
    inner join meta.branches as member on f.branch_code = member.branch_code and f.valid_from = member.valid_from
    where quarters.quarter_end(quarter_code) between head.valid_from and coalesce(head.valid_to, 'infinity'::date)
$$;

-- Since when the targets of deliveries look back, the day before the first of their periods; plans reach over years.
create or replace function quarters.targets_look_back(deliveries bigint [])
returns table (delivery_id bigint, opening_on date)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- Not a view: the table is made from the contract, after this file.
    return query
    select t.delivery_id, min(t.period_start) - 1
    from raw.plan_targets_rows as t
    where t.delivery_id = any($1) and t.valid_from <= t.business_date
    group by t.delivery_id;
end
$$;
revoke execute on function quarters.targets_look_back from public;

-- What a quarter's figures derive from, as visible after ledger entry `last_entry_no`: of each branch the year up to the
-- quarter's last day with its opening, or as far back as a target in force that day counts, everything older that decided
-- on capital, and what each of them was measured against.
create or replace function quarters.input_deliveries(quarter_code text, last_entry_no bigint)
returns table (
    delivery_id bigint,
    branch_code text,
    branch_valid_from date,
    business_date date,
    revision integer,
    is_provisional boolean,
    descriptor_sha256 text,
    content_sha256 text
)
language sql stable
as $$
    with days as (
        select
            quarters.quarter_end(quarter_code) as last_on,
            (date_trunc('year', quarters.quarter_start(quarter_code)) - interval '1 day')::date as year_opening
    ),

    visible as materialized (
        select
            v.*,
            v.business_date <= days.last_on or v.previous_business_date < days.last_on as is_in_time
        from meta.visible_deliveries_at(last_entry_no) as v
        cross join days
    ),

    look_back as (
        select f.branch_code, f.valid_from, min(t.opening_on) as opening_on
        from quarters.families_of(quarter_code) as f
        inner join visible as v on f.head_code = v.branch_code
        inner join quarters.targets_look_back(
            array(select l.delivery_id from visible as l inner join days on l.business_date = days.last_on)
        ) as t on v.delivery_id = t.delivery_id
        group by f.branch_code, f.valid_from
    ),

    candidates as (
        select v.*, least(days.year_opening, l.opening_on) as opening_on
        from visible as v
        cross join days
        left join look_back as l on v.branch_code = l.branch_code and v.branch_valid_from = l.valid_from
        where v.is_in_time
    ),

    openings as (
        select unnest(l.opening) as delivery_id
        from candidates as c
        cross join lateral (
            select e.opening
            from meta.ledger as e
            where e.delivery_id = c.delivery_id and e.entry_no <= last_entry_no
            order by e.entry_no desc
            limit 1
        ) as l
        where c.business_date > c.opening_on
    )

    select
        c.delivery_id,
        c.branch_code,
        c.branch_valid_from,
        c.business_date,
        c.revision,
        c.is_provisional,
        d.descriptor_sha256,
        d.content_sha256
    from candidates as c
    inner join meta.deliveries as d on c.delivery_id = d.delivery_id
    where
        c.business_date >= c.opening_on
        or c.delivery_id in (select o.delivery_id from openings as o)
        or exists (
            select from meta.delivery_files as f
            where f.delivery_id = c.delivery_id and f.dataset = 'capital_transactions' and f.row_count > 0
        )
$$;

revoke execute on function quarters.prepare_tables, quarters.protect_table, quarters.frozen_columns from public;
grant execute on function quarters.prepare_tables, quarters.frozen_columns, quarters.targets_look_back to quarter_keeper;
grant select on quarters.frozen_marts to quarter_keeper, bi_reader, branch_reader;
