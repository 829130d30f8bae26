-- What was delivered and what became of it. `deliveries` and `ledger` only grow; the rest can be derived again.
create table if not exists meta.deliveries (
    delivery_id bigint generated always as identity primary key,
    branch_code text not null,
    branch_valid_from date not null,
    business_date date not null,
    revision integer not null check (revision >= 1),
    previous_business_date date,
    working_day boolean not null,
    content_sha256 text not null,
    descriptor_sha256 text not null,
    supersedes text,
    cob_completed_at timestamptz not null,
    descriptor jsonb not null,
    offices_expected integer not null,
    offices_delivered integer not null,
    source_path text not null,
    received_at timestamptz not null default now(),
    -- A repeat of a published content under another number brings no rows of its own: they are the original's.
    duplicate_of bigint references meta.deliveries,
    unique (branch_code, business_date, revision, descriptor_sha256)
);

create table if not exists meta.delivery_files (
    delivery_id bigint not null references meta.deliveries,
    dataset text not null,
    path text not null,
    stored_sha256 text not null,
    content_sha256 text not null,
    bytes bigint not null,
    row_count bigint not null,
    control_totals jsonb not null,
    key_checksum numeric not null,
    primary key (delivery_id, dataset)
);

-- The door's own result: everything that needs no history.
create table if not exists meta.intakes (
    delivery_id bigint primary key references meta.deliveries,
    errors bigint not null,
    warnings bigint not null,
    -- A check that could not run holds the delivery, and is tried again.
    could_not_run text,
    results jsonb not null default '{}',
    evaluated_at timestamptz not null default now()
);

-- The result of measuring a delivery against the state that it follows; `opening` names the deliveries of that state.
create table if not exists meta.openings (
    delivery_id bigint not null references meta.deliveries,
    opening bigint[] not null,
    errors bigint not null,
    warnings bigint not null,
    evaluated_at timestamptz not null default now(),
    primary key (delivery_id, opening)
);

-- The intake of a delivery that the ledger has weighed; a newer one, or one that could not be measured, is still to be weighed.
do $$
begin
    if to_regclass('meta.weighed_intakes') is null then
        create table meta.weighed_intakes (
            delivery_id bigint primary key references meta.deliveries,
            evaluated_at timestamptz not null
        );
        if to_regclass('meta.ledger') is not null then
            insert into meta.weighed_intakes
            select i.delivery_id, i.evaluated_at from meta.intakes as i
            cross join lateral (
                select l.at, l.reason from meta.ledger as l where l.delivery_id = i.delivery_id order by l.entry_no desc limit 1
            ) as last
            where last.at > i.evaluated_at and last.reason not like 'It could not be measured%';
        end if;
    end if;
end
$$;

create table if not exists meta.findings (
    delivery_id bigint not null references meta.deliveries,
    opening bigint[],
    dataset text,
    row_no bigint,
    column_name text,
    rule text not null,
    severity text not null check (severity in ('error', 'warning')),
    value text,
    message text not null
);
create index if not exists findings_delivery on meta.findings (delivery_id);

-- Rows of deliveries that are loaded: removed when housekeeping drops them.
create table if not exists meta.loads (
    delivery_id bigint primary key references meta.deliveries,
    -- Its daily states are dropped, its events are kept.
    retired_at timestamptz,
    loaded_at timestamptz not null default now(),
    result jsonb not null default '{}'
);

-- The last look at each folder of the landing.
create table if not exists meta.arrivals (
    path text primary key,
    fingerprint text not null,
    branch_code text,
    business_date date,
    revision integer,
    delivery_id bigint references meta.deliveries,
    verdict text not null,
    findings jsonb not null default '[]',
    first_seen_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now()
);
-- Since when a folder that was refused or is waited for lies in the landing no more.
alter table meta.arrivals add column if not exists gone_at timestamptz;

create table if not exists meta.ledger (
    entry_no bigint primary key,
    at timestamptz not null,
    branch_code text,
    branch_valid_from date,
    business_date date,
    revision integer,
    delivery_id bigint references meta.deliveries,
    verdict text not null check (verdict in (
        'published', 'published_with_warnings', 'provisional', 'held', 'refused', 'duplicate'
    )),
    -- Whether the entry says what is visible for its branch and date, and what: null = nothing.
    sets_visible boolean not null,
    visible_delivery_id bigint references meta.deliveries,
    opening bigint[],
    reason text not null,
    detail jsonb not null default '{}',
    previous_hash text not null,
    hash text not null unique
);
create index if not exists ledger_visible on meta.ledger (branch_code, business_date, entry_no desc) where sets_visible;
create index if not exists ledger_delivery on meta.ledger (delivery_id, entry_no desc);

create or replace function meta.ledger_hash(entry meta.ledger) returns text
language sql stable
set timezone = 'UTC'
return encode(sha256(convert_to(jsonb_build_array(
    entry.entry_no, entry.at, entry.branch_code, entry.branch_valid_from, entry.business_date, entry.revision,
    entry.delivery_id, entry.verdict, entry.sets_visible, entry.visible_delivery_id, entry.opening, entry.reason,
    entry.detail, entry.previous_hash
)::text, 'UTF8')), 'hex');

create or replace function meta.chain_ledger_entry() returns trigger
language plpgsql
as $$
declare
    last_entry meta.ledger;
begin
    perform pg_advisory_xact_lock(hashtext('meta.ledger'));
    select * into last_entry from meta.ledger order by entry_no desc limit 1;
    new.entry_no := coalesce(last_entry.entry_no, 0) + 1;
    new.at := clock_timestamp();
    new.previous_hash := coalesce(last_entry.hash, '');
    new.hash := meta.ledger_hash(new);
    return new;
end
$$;

create or replace function meta.refuse_change() returns trigger
language plpgsql
as $$
begin
    raise exception '%.% only grows: % is not allowed', tg_table_schema, tg_table_name, tg_op;
end
$$;

create or replace trigger chain before insert on meta.ledger
for each row execute function meta.chain_ledger_entry();
create or replace trigger only_grows before update or delete or truncate on meta.ledger
for each statement execute function meta.refuse_change();
create or replace trigger only_grows before update or delete or truncate on meta.deliveries
for each statement execute function meta.refuse_change();

-- One row for each branch and date of which something is visible.
create or replace view meta.visible_deliveries as
with newest as (
    select distinct on (branch_code, business_date)
        branch_code,
        business_date,
        visible_delivery_id,
        at
    from meta.ledger
    where sets_visible
    order by branch_code asc, business_date asc, entry_no desc
)

select
    d.branch_code,
    d.branch_valid_from,
    d.business_date,
    d.delivery_id,
    d.revision,
    d.previous_business_date,
    v.verdict,
    v.verdict = 'provisional' as is_provisional,
    newest.at as published_at,
    d.offices_expected,
    d.offices_delivered,
    v.opening
from newest
inner join meta.deliveries as d on newest.visible_delivery_id = d.delivery_id
cross join lateral (
    select
        l.verdict,
        l.opening
    from meta.ledger as l
    where l.delivery_id = d.delivery_id
    order by l.entry_no desc
    limit 1
) as v;
