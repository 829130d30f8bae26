-- Which marts are built from which deliveries, and which build a reader sees.
-- A unit is a branch and date; '*' is the nation, 'infinity' what has no date (dimensions, delivery status).
create table if not exists meta.builds (
    build_id bigint generated always as identity primary key,
    opened_at timestamptz not null default now(),
    flipped_at timestamptz,
    abandoned_at timestamptz
);

create table if not exists meta.build_units (
    build_id bigint not null references meta.builds,
    branch_code text not null,
    business_date date not null,
    delivery_id bigint,
    is_provisional boolean not null default false,
    fingerprint text not null,
    primary key (build_id, branch_code, business_date)
);

create table if not exists meta.current_units (
    branch_code text not null,
    business_date date not null,
    build_id bigint not null,
    delivery_id bigint,
    fingerprint text not null,
    primary key (branch_code, business_date)
);

create table if not exists meta.branch_access (
    role_name text not null,
    branch_code text not null,
    primary key (role_name, branch_code)
);

-- The build that is being made now, at most one.
create or replace view meta.running_build as
select max(build_id) as build_id
from meta.builds
where flipped_at is null and abandoned_at is null;

-- What views on raw show: everything visible, and the inputs of a build that has begun with what was visible then.
create or replace view meta.readable_deliveries as
select delivery_id from meta.visible_deliveries
union
select u.delivery_id
from meta.build_units as u
inner join meta.running_build as b on u.build_id = b.build_id
where u.delivery_id is not null;

-- A branch reader sees its own lines of the mapping, which the row policies of the marts ask.
alter table meta.branch_access enable row level security;
drop policy if exists own_lines on meta.branch_access;
create policy own_lines on meta.branch_access for select to branch_reader using (role_name = current_user);
