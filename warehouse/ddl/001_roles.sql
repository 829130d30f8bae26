-- Roles and schemas (spec/marts.md, Roles). Run by the administrator; passwords are set by warehouse.schema.
do $$
declare
    wanted text;
begin
    foreach wanted in array array['loader', 'transformer', 'quarter_keeper', 'airflow'] loop
        if not exists (select from pg_roles where rolname = wanted) then
            execute format('create role %I login', wanted);
        end if;
    end loop;
    foreach wanted in array array['bi_reader', 'branch_reader', 'auditor', 'data_protection'] loop
        if not exists (select from pg_roles where rolname = wanted) then
            execute format('create role %I nologin', wanted);
        end if;
    end loop;
    execute format('revoke all on database %I from public', current_database());
    execute format('grant connect, temporary on database %I to loader, transformer, quarter_keeper', current_database());
    execute format('grant connect on database %I to bi_reader, branch_reader, auditor, data_protection', current_database());
    execute format('grant create on database %I to transformer', current_database());
end
$$;

revoke all on schema public from public;

create schema if not exists raw;
create schema if not exists personal;
create schema if not exists meta;
create schema if not exists staging;
create schema if not exists intermediate;
create schema if not exists mart_builds;
create schema if not exists marts;
create schema if not exists quarters;

alter schema raw owner to loader;
alter schema personal owner to loader;
alter schema staging owner to transformer;
alter schema intermediate owner to transformer;
alter schema mart_builds owner to transformer;
alter schema marts owner to transformer;

grant usage on schema meta to loader, transformer, quarter_keeper, auditor, bi_reader, branch_reader;
grant usage on schema raw to transformer;
grant usage on schema marts to bi_reader, branch_reader, quarter_keeper;
-- The views in marts read these tables with the reader's rights, but only they can name them: rows of other builds are in them.
grant usage on schema mart_builds to quarter_keeper;
revoke usage on schema mart_builds from bi_reader, branch_reader;
grant usage on schema quarters to bi_reader, branch_reader, quarter_keeper, auditor;
grant usage on schema personal to data_protection;
