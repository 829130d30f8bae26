-- The rows of large datasets lie in a table (leaf) for each delivery, leaves in chunks of 256 consecutive numbers, chunks
-- in the table of the dataset: what PostgreSQL does for one leaf, it then does not do for thousands.
create or replace function meta.chunk_no(delivery_id bigint) returns bigint
language sql immutable
return delivery_id / 256;

-- Make a loaded leaf part of its dataset's table; its chunk is made when it is the first. No reader waits for it, which is
-- why the chunk is attached and not created as a partition.
create or replace function meta.attach_leaf(schema_name text, dataset text, delivery_id bigint) returns void
language plpgsql
as $$
declare
    number bigint := meta.chunk_no(delivery_id);
    whole text := format('%I.%I', schema_name, dataset || '_rows');
    chunk text := format('%I.%I', schema_name, dataset || '_c' || number);
    is_cut_off boolean;
begin
    -- Until the end of the transaction nobody else makes this chunk, and housekeeping does not take it away.
    perform pg_advisory_xact_lock(hashtext('chunk ' || chunk));
    select i.inhdetachpending into is_cut_off from pg_inherits as i where i.inhrelid = to_regclass(chunk);
    if is_cut_off then
        execute format('alter table %s detach partition %s finalize', whole, chunk);
    end if;
    if is_cut_off is distinct from false then
        -- What housekeeping has detached and not yet dropped is empty.
        execute format('drop table if exists %s', chunk);
        execute format('create table %s (like %s including storage) partition by list (delivery_id)', chunk, whole);
        execute format('alter table %s owner to loader', chunk);
        execute format(
            'alter table %s attach partition %s for values from (%s) to (%s)', whole, chunk, number * 256, (number + 1) * 256
        );
    end if;
    execute format(
        'alter table %s attach partition %I.%I for values in (%s)',
        chunk, schema_name, dataset || '_d' || delivery_id, delivery_id
    );
end
$$;

-- A warehouse from before had its leaves in the table itself. They are moved as they are: no row is read or written.
do $$
declare
    whole record;
    leaf record;
    flat text;
    dataset text;
    shown text;
begin
    for whole in
        select
            n.nspname,
            c.relname,
            c.oid
        from pg_partitioned_table as p
        inner join pg_class as c on p.partrelid = c.oid
        inner join pg_namespace as n on c.relnamespace = n.oid
        where n.nspname in ('raw', 'personal') and p.partstrat = 'l' and not c.relispartition
        order by n.nspname, c.relname
    loop
        dataset := regexp_replace(whole.relname, '_rows$', '');
        flat := whole.relname || '_flat';
        shown := pg_get_viewdef(format('%I.%I', whole.nspname, dataset)::regclass);
        execute format('alter table %I.%I rename to %I', whole.nspname, whole.relname, flat);
        execute format(
            'create table %I.%I (like %I.%I including storage) partition by range (delivery_id)',
            whole.nspname, whole.relname, whole.nspname, flat
        );
        for leaf in
            select
                c.relname,
                i.inhdetachpending,
                substring(c.relname from '_d([0-9]+)$')::bigint as delivery_id
            from pg_inherits as i
            inner join pg_class as c on i.inhrelid = c.oid
            where i.inhparent = whole.oid
            order by 3
        loop
            execute format(
                'alter table %I.%I detach partition %I.%I %s',
                whole.nspname, flat, whole.nspname, leaf.relname, case when leaf.inhdetachpending then 'finalize' end
            );
            -- What housekeeping was about to drop stays outside, where the next housekeeping finds it.
            if not leaf.inhdetachpending then
                perform meta.attach_leaf(whole.nspname, dataset, leaf.delivery_id);
            end if;
        end loop;
        -- The same view with its owner, grants and whatever reads it, on the new table.
        execute format('create or replace view %I.%I as %s', whole.nspname, dataset, shown);
        execute format('drop table %I.%I', whole.nspname, flat);
    end loop;
end
$$;
