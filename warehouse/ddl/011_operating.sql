-- What operating the warehouse leaves on record: nights that ran, digests that were told, branches that are paused,
-- persons who were erased.
create table if not exists meta.nights (
    night_id bigint generated always as identity primary key,
    started_by text not null check (started_by in ('airflow', 'command line')),
    -- Airflow's name of the run; null for the command line.
    run_id text unique,
    started_at timestamptz not null default clock_timestamp(),
    -- Null: it runs, or it was killed. A night of the command line holds an advisory lock for as long as it lives.
    ended_at timestamptz,
    summary jsonb not null default '{}'
);
create index if not exists nights_ended on meta.nights (ended_at);

create table if not exists meta.digests (
    digest_id bigint generated always as identity primary key,
    sent_at timestamptz not null default clock_timestamp(),
    -- The run that it tells of, or what else spoke.
    about text not null unique,
    business_date date,
    -- Whether it was told after the deadline of its date: the final word on that night.
    is_final boolean not null,
    subject text not null,
    sent_to text [] not null,
    -- The last entry of the ledger when it was put into words: what came after it is still to be told.
    ledger_entry_no bigint
);

alter table meta.digests add column if not exists ledger_entry_no bigint;

-- A branch is paused while its newest line has no `resumed_at`.
create table if not exists meta.pauses (
    pause_id bigint generated always as identity primary key,
    branch_code text not null,
    paused_at timestamptz not null default clock_timestamp(),
    paused_by text not null,
    reason text not null,
    resumed_at timestamptz,
    resumed_by text
);
create unique index if not exists pauses_open on meta.pauses (branch_code) where resumed_at is null;

-- Law 12. Never a value of the person: the customer id stays in the books, and is all that is needed to erase again.
create table if not exists meta.erasures (
    customer_id text primary key,
    erased_at timestamptz not null default clock_timestamp(),
    erased_by text not null,
    reason text not null
);

-- The stored file of a delivery as it was, and as it was written again without the person; chains by order.
create table if not exists meta.erased_files (
    erased_file_id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    delivery_id bigint not null references meta.deliveries,
    old_sha256 text not null,
    -- Empty: the file could not be written again and was removed.
    new_sha256 text not null,
    old_bytes bigint not null,
    new_bytes bigint not null
);
create index if not exists erased_files_delivery on meta.erased_files (delivery_id);

-- The chain keeps both hashes of a file that was written again: an entry of its own, that turns no delivery.
-- Only where that is new: for a change of its constraints nobody may read the ledger, until all of the upgrade is done.
do $$
begin
    if not exists (
        select from pg_constraint
        where
            conrelid = 'meta.ledger'::regclass
            and conname = 'ledger_verdict_check'
            and pg_get_constraintdef(oid) like '%''erased''%'
    ) then
        alter table meta.ledger drop constraint if exists ledger_verdict_check;
        alter table meta.ledger add constraint ledger_verdict_check check (verdict in (
            'published', 'published_with_warnings', 'provisional', 'held', 'refused', 'duplicate', 'erased'
        ));
    end if;
    if not exists (
        select from pg_constraint
        where conrelid = 'meta.ledger'::regclass and conname = 'ledger_erased_turns_nothing'
    ) then
        alter table meta.ledger add constraint ledger_erased_turns_nothing check (
            verdict <> 'erased' or (delivery_id is null and revision is null and not sets_visible)
        );
    end if;
end
$$;

create or replace trigger only_grows before update or delete or truncate on meta.erasures
for each statement execute function meta.refuse_change();
create or replace trigger only_grows before update or delete or truncate on meta.erased_files
for each statement execute function meta.refuse_change();

grant select, insert on meta.nights, meta.digests, meta.pauses, meta.erasures, meta.erased_files to loader;
grant update on meta.nights, meta.digests, meta.pauses to loader;
grant select on meta.nights, meta.digests, meta.pauses, meta.erasures, meta.erased_files to auditor;
