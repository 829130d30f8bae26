-- What the warehouse was last brought up to (warehouse/schema.py).
create schema if not exists meta;
create table if not exists meta.definition (
    is_only boolean primary key default true check (is_only),
    sha256 text not null,
    applied_at timestamptz not null default now()
);
