-- The quarter close: a log of states, and frozen copies of marts. Both only grow; the order of states is kept here.
--
-- The administrator owns everything in `quarters`, so no role that logs in can change, empty or drop what is closed.
-- Frozen tables follow the columns of the marts: quarters.prepare_tables() creates and extends them before a freeze.
create or replace function quarters.quarter_end(quarter_code text) returns date
language sql immutable strict
return (make_date(left(quarter_code, 4)::integer, right(quarter_code, 1)::integer * 3, 1) + interval '1 month - 1 day')::date;

create or replace function quarters.quarter_start(quarter_code text) returns date
language sql immutable strict
return make_date(left(quarter_code, 4)::integer, right(quarter_code, 1)::integer * 3 - 2, 1);

create table if not exists quarters.quarter_close (
    quarter_code text collate "C" not null check (quarter_code ~ '^[0-9]{4}Q[1-4]$'),
    version integer not null check (version >= 1),
    as_of date not null check (as_of = quarters.quarter_end(quarter_code)),
    status text not null check (status in ('draft', 'approved', 'rejected', 'published', 'superseded')),
    by text not null check (btrim(by) <> ''),
    at timestamptz not null,
    reason text not null,
    requested_by text check (btrim(requested_by) <> ''),
    content_sha256 text not null check (content_sha256 ~ '^[0-9a-f]{64}$'),
    inputs jsonb check ((inputs is not null) = (status = 'draft')),
    entry_no bigint generated always as identity,
    primary key (entry_no),
    unique (quarter_code, version, status)
);
comment on table quarters.quarter_close is 'One row for each change of state of each version of a quarter; it only grows.';
comment on column quarters.quarter_close.quarter_code is 'The quarter, such as 2025Q3.';
comment on column quarters.quarter_close.version is 'Counts the freezes of the quarter, from 1; a rejected one keeps its number.';
comment on column quarters.quarter_close.as_of is 'The last day of the quarter: the date of every state.';
comment on column quarters.quarter_close.status is 'What the version became: draft, approved, rejected, published or superseded.';
comment on column quarters.quarter_close.by is 'Who did it: the name of a user, `schedule` for a scheduled run, `checks` for a failed check.';
comment on column quarters.quarter_close.at is 'When, by the clock of the database.';
comment on column quarters.quarter_close.reason is 'Why, in words: how complete a draft is, why it was rejected, what takes its place.';
comment on column quarters.quarter_close.requested_by is 'Who asked for the freeze by hand and so cannot approve it; null for the schedule.';
comment on column quarters.quarter_close.content_sha256 is 'SHA-256 of the canonical text of all frozen tables of the version.';
comment on column quarters.quarter_close.inputs is 'Of a draft: the deliveries, reference data, code and tables that it was made from.';
comment on column quarters.quarter_close.entry_no is 'The order of the rows.';

-- The last state of each version. For the functions below and the quarter keeper; others read quarters.versions.
create or replace function quarters.status_of(quarter_code text, version integer) returns text
language sql stable security definer
set search_path = pg_catalog, pg_temp
return (
    select c.status
    from quarters.quarter_close as c
    where c.quarter_code = $1 and c.version = $2
    order by c.entry_no desc
    limit 1
);

-- Every version that was ever published: what BI roles may see.
create or replace function quarters.published_versions() returns table (quarter_code text, version integer)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$ select c.quarter_code, c.version from quarters.quarter_close as c where c.status = 'published' $$;

create or replace function quarters.keep_order() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    draft quarters.quarter_close;
    last_status text;
    other integer;
begin
    perform pg_advisory_xact_lock(hashtext('quarters'), hashtext(new.quarter_code));
    last_status := quarters.status_of(new.quarter_code, new.version);
    select * into draft from quarters.quarter_close as c
    where c.quarter_code = new.quarter_code and c.version = new.version and c.status = 'draft';
    if new.status = 'draft' then
        select c.version into other from quarters.quarter_close as c
        where c.quarter_code = new.quarter_code and quarters.status_of(c.quarter_code, c.version) in ('draft', 'approved')
        limit 1;
        if other is not null then
            raise exception 'Version % of % is still open: a quarter has one draft at a time', other, new.quarter_code;
        end if;
        if new.version <> (
            select coalesce(max(c.version), 0) + 1 from quarters.quarter_close as c where c.quarter_code = new.quarter_code
        ) then
            raise exception 'Version % is not the next of %', new.version, new.quarter_code;
        end if;
    elsif new.status = 'superseded' and pg_trigger_depth() = 1 then
        raise exception 'A version is superseded by publishing the next one, and in no other way';
    elsif (last_status, new.status) not in (
        ('draft', 'approved'), ('draft', 'rejected'), ('approved', 'rejected'), ('approved', 'published'),
        ('published', 'superseded')
    ) or last_status is null then
        raise exception 'Version % of % is %: it cannot become %',
            new.version, new.quarter_code, coalesce(last_status, 'unknown'), new.status;
    elsif new.content_sha256 <> draft.content_sha256 then
        raise exception 'Version % of % was frozen with the checksum %, not %',
            new.version, new.quarter_code, draft.content_sha256, new.content_sha256;
    elsif new.status = 'approved' and lower(btrim(new."by")) = lower(btrim(draft.requested_by)) then
        raise exception '% asked for version % of % and cannot approve it', new."by", new.version, new.quarter_code;
    elsif new.status = 'rejected' and btrim(new.reason) = '' then
        raise exception 'A rejection needs a reason';
    end if;
    new.as_of := quarters.quarter_end(new.quarter_code);
    new.at := clock_timestamp();
    if new.status <> 'draft' then
        new.requested_by := draft.requested_by;
    end if;
    if new.status = 'published' then
        insert into quarters.quarter_close (quarter_code, version, status, by, reason, content_sha256)
        select c.quarter_code, c.version, 'superseded', new."by",
            format('Version %s takes its place.', new.version), c.content_sha256
        from quarters.quarter_close as c
        where c.quarter_code = new.quarter_code and c.status = 'published'
            and quarters.status_of(c.quarter_code, c.version) = 'published';
    end if;
    return new;
end
$$;

create or replace trigger keep_order before insert on quarters.quarter_close
for each row execute function quarters.keep_order();
create or replace trigger only_grows before update or delete or truncate on quarters.quarter_close
for each statement execute function meta.refuse_change();

-- Rows of a version come before its first line in the log, in the same transaction; afterwards there are no more.
create or replace function quarters.refuse_late_rows() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    late record;
begin
    select a.quarter_code, a.version into late from (select distinct quarter_code, version from added) as a
    where quarters.status_of(a.quarter_code, a.version) is not null limit 1;
    if found then
        raise exception 'Version % of % is frozen: nothing can be added to quarters.%',
            late.version, late.quarter_code, tg_table_name;
    end if;
    return null;
end
$$;

alter table quarters.quarter_close enable row level security;
drop policy if exists all_rows on quarters.quarter_close;
create policy all_rows on quarters.quarter_close to quarter_keeper, auditor using (true) with check (true);
drop policy if exists published_rows on quarters.quarter_close;
create policy published_rows on quarters.quarter_close for select to bi_reader, branch_reader
using ((quarter_code, version) in (select p.quarter_code, p.version from quarters.published_versions() as p));

-- One row for each version, with its last state.
create or replace view quarters.versions with (security_invoker = true) as
select distinct on (c.quarter_code, c.version)
    c.quarter_code,
    c.version,
    c.as_of,
    c.status,
    c.status = 'published' as is_current,
    c.by,
    c.at,
    c.reason,
    c.requested_by,
    c.content_sha256,
    c.entry_no
from quarters.quarter_close as c
order by c.quarter_code asc, c.version asc, c.entry_no desc;

revoke execute on function quarters.status_of, quarters.published_versions from public;
grant execute on function quarters.status_of to quarter_keeper;
grant execute on function quarters.published_versions to bi_reader, branch_reader, quarter_keeper, auditor;
grant select on quarters.quarter_close, quarters.versions to quarter_keeper, bi_reader, branch_reader, auditor;
grant insert on quarters.quarter_close to quarter_keeper;
grant select on
    meta.builds, meta.ledger, meta.branches, meta.build_units, meta.branch_families to quarter_keeper;
grant execute on function meta.visible_deliveries_at to quarter_keeper;
