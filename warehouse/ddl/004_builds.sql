-- Which marts are built from which deliveries, and which build a reader sees.
--
-- A unit is what flips as one: a part of the marts, a branch and a date. '*' is the nation, 'infinity' what has no date.
-- Parts: `state` and `flows` depend on the unit's own delivery, `history` also on earlier ones (period to date, openings,
-- commitments), `targets` on all before, `nation` (one unit a date) on the history of every branch, `status` (one a date) on
-- the ledger, `migration` (one a quarter's last day) on that day and the quarter before, `inspections` (one a quarter) on the
-- newest delivery that tells of it, `registers` (one a branch of today) on the newest registers, `dimensions` on reference data.
create table if not exists meta.builds (
    build_id bigint generated always as identity primary key,
    opened_at timestamptz not null default now(),
    -- What the build saw when it opened: the ledger up to this entry, reference data and calculation as hashes.
    ledger_entry_no bigint not null,
    reference_version text not null,
    calculation_version text not null,
    -- The models with their contracts and descriptions: tables, views and comments are as this version says.
    definition_version text not null default '',
    -- Whether nothing is left to build after this one, for what it saw.
    is_last boolean not null,
    areas_done text [] not null default '{}',
    flipped_at timestamptz,
    abandoned_at timestamptz
);

alter table meta.builds add column if not exists definition_version text not null default '';

create table if not exists meta.build_units (
    build_id bigint not null references meta.builds,
    part text not null,
    branch_code text not null,
    business_date date not null,
    delivery_id bigint,
    is_provisional boolean not null default false,
    -- The deliveries whose rows the unit reads from raw: readable until the flip, whatever the ledger says meanwhile.
    reads bigint [] not null default '{}',
    -- Null: the unit is no longer wanted, and the flip removes it.
    fingerprint text,
    primary key (build_id, part, branch_code, business_date)
);

create table if not exists meta.current_units (
    part text not null,
    branch_code text not null,
    business_date date not null,
    build_id bigint not null,
    delivery_id bigint,
    fingerprint text not null,
    primary key (part, branch_code, business_date)
);

-- Rows of marts that no reader sees any more; housekeeping deletes them.
create table if not exists meta.superseded_units (
    part text not null,
    branch_code text not null,
    business_date date not null,
    build_id bigint not null,
    primary key (build_id, part, branch_code, business_date)
);

-- The tables that dbt keeps and adds rows to, as they were defined last; `*_column` null: the constant of the unit.
create table if not exists meta.built_tables (
    schema_name text not null,
    table_name text not null,
    part text,
    branch_column text,
    date_column text,
    definition text not null,
    primary key (schema_name, table_name)
);

create table if not exists meta.branch_access (
    role_name text not null,
    branch_code text not null,
    primary key (role_name, branch_code)
);

-- The build that is being made now, at most one.
create or replace view meta.running_build as
select
    build_id,
    ledger_entry_no
from meta.builds
where flipped_at is null and abandoned_at is null
order by build_id desc
limit 1;

-- The running build as dbt's macros need it: what it makes (`parts`, `dates`) and the deliveries that it reads by part. Null: none.
create or replace function meta.describe_running_build() returns jsonb
language sql stable
as $$
    select
        jsonb_build_object(
            'build_id', running.build_id,
            'parts', (
                select coalesce(jsonb_agg(distinct unit.part), '[]')
                from meta.build_units as unit
                where unit.build_id = running.build_id and unit.fingerprint is not null
            ),
            'dates', (
                select coalesce(jsonb_agg(distinct unit.business_date), '[]')
                from meta.build_units as unit
                where unit.build_id = running.build_id and unit.business_date < 'infinity'
            ),
            'deliveries', (
                select coalesce(jsonb_object_agg(of_part.part, of_part.delivery_ids), '{}')
                from (
                    select
                        unit.part,
                        jsonb_agg(distinct read.delivery_id) as delivery_ids
                    from meta.build_units as unit
                    cross join unnest(unit.reads) as read (delivery_id)
                    where unit.build_id = running.build_id
                    group by unit.part
                ) as of_part
            )
        )
    from meta.running_build as running
$$;

-- What views on raw show: everything visible, and the inputs of a build that has begun with what was visible then.
create or replace view meta.readable_deliveries as
select delivery_id from meta.visible_deliveries
union
select unnest(u.reads) as delivery_id
from meta.build_units as u
where u.build_id = (select b.build_id from meta.running_build as b);

-- The customers with a loan in a delivery whose figures readers still see. The build that replaces it asks; no view on raw
-- shows it any more.
create or replace function meta.borrowers_shown(delivery_id bigint) returns setof text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (select from meta.current_units as u where u.part = 'state' and u.delivery_id = $1) then
        return query execute format('select customer_id from raw.loan_book_rows where delivery_id = %s', $1);
    end if;
end
$$;

revoke execute on function meta.borrowers_shown from public;
grant execute on function meta.borrowers_shown, meta.describe_running_build to transformer;

-- A branch reader sees its own lines of the mapping, which the row policies of the marts ask.
alter table meta.branch_access enable row level security;
drop policy if exists own_lines on meta.branch_access;
create policy own_lines on meta.branch_access for select to branch_reader using (role_name = current_user);

grant delete on meta.builds, meta.superseded_units to transformer;
grant insert on meta.superseded_units to transformer;
grant insert, update, delete on meta.built_tables to transformer;
