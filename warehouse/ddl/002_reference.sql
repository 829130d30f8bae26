-- Dated reference data, filled from warehouse/reference/*.csv (see its README.md).
create table if not exists meta.reference_versions (
    file_name text primary key,
    sha256 text not null,
    loaded_at timestamptz not null default now()
);

create table if not exists meta.branches (
    branch_code text not null,
    valid_from date not null,
    valid_to date,
    name_vi text not null,
    name_en text not null,
    region text not null,
    successor_code text,
    successor_valid_from date,
    primary key (branch_code, valid_from)
);

create table if not exists meta.communes (
    commune_code text not null,
    valid_from date not null,
    valid_to date,
    name_vi text not null,
    name_en text not null,
    kind text not null,
    branch_code text not null,
    branch_valid_from date not null,
    district_name_vi text,
    primary key (commune_code, valid_from)
);

create table if not exists meta.commune_successions (
    old_code text not null,
    old_valid_from date not null,
    new_code text not null,
    new_valid_from date not null,
    is_default boolean not null,
    is_split boolean not null,
    primary key (old_code, old_valid_from, new_code, new_valid_from)
);

create table if not exists meta.programmes (
    programme_code text primary key,
    name_vi text not null,
    name_en text not null,
    legal_basis text,
    status text not null
);

create table if not exists meta.programme_parameters (
    programme_code text not null,
    source_scope text not null,
    valid_from date not null,
    valid_to date,
    cap_vnd bigint,
    rate_pct_min numeric,
    rate_pct_max numeric,
    term_months_max integer,
    overdue_rate_factor numeric,
    legal_basis text,
    note text,
    primary key (programme_code, source_scope, valid_from)
);

create table if not exists meta.capital_sources (
    source_code text primary key,
    parent_code text,
    tier text,
    name_vi text not null,
    name_en text not null,
    is_leaf boolean not null,
    valid_from date not null,
    valid_to date,
    sort_order integer not null
);

create table if not exists meta.organisations (
    organisation_code text primary key,
    name_vi text not null,
    name_en text not null
);

create table if not exists meta.benchmarks (
    indicator text not null,
    scope text not null,
    as_of date not null,
    basis text not null,
    value numeric not null,
    unit text not null,
    source text not null,
    note text,
    primary key (indicator, scope, as_of, basis)
);
