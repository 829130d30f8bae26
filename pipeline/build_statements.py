"""The SQL of `pipeline.build`."""

from typing import LiteralString

IS_UP_TO_DATE: LiteralString = """
    select 1
    from (select * from meta.builds where flipped_at is not null order by build_id desc limit 1) as newest
    where is_last and ledger_entry_no = %s and reference_version = %s and calculation_version = %s
"""

# A unit whose rows are not loaded (any more) cannot be made again, and what readers see of it stays: of a retired
# delivery the events are there, its state is not.
FIND_CHANGED: LiteralString = """
    create temporary table changed_units on commit drop as
    with wanted as (
        select * from meta.wanted_units(%(ledger)s, %(calculation)s)
    ),
    changed as (
        select
            coalesce(wanted.part, unit.part) as part,
            coalesce(wanted.branch_code, unit.branch_code) as branch_code,
            coalesce(wanted.business_date, unit.business_date) as business_date,
            coalesce(wanted.delivery_id, unit.delivery_id) as delivery_id,
            coalesce(wanted.is_provisional, false) as is_provisional,
            coalesce(wanted.reads, '{}') as reads,
            wanted.fingerprint,
            coalesce(wanted.weight, 0) as weight
        from wanted
        full join meta.current_units as unit
            on
                wanted.part = unit.part
                and wanted.branch_code = unit.branch_code
                and wanted.business_date = unit.business_date
        where
            wanted.fingerprint is distinct from unit.fingerprint
            and not exists (
                select from unnest(wanted.reads) as needed (delivery_id)
                where not exists (
                    select from meta.loads as loaded
                    where
                        loaded.delivery_id = needed.delivery_id
                        and (wanted.part = 'flows' or loaded.retired_at is null)
                )
            )
            and (
                %(branches)s::text[] is null
                or coalesce(wanted.branch_code, unit.branch_code) = any(%(branches)s::text[])
                or coalesce(wanted.branch_code, unit.branch_code) = '*'
            )
    ),
    -- What has no date comes first, then dates in order, none of them divided.
    dates as (
        select
            business_date,
            sum(sum(weight)) over (order by business_date = 'infinity' desc, business_date) - sum(weight) as weight_before
        from changed
        group by business_date
    )
    select changed.*, dates.weight_before < %(rows)s as is_now
    from changed
    inner join dates on changed.business_date = dates.business_date
    -- A build of some branches makes the nation of their dates only.
    where
        %(branches)s::text[] is null
        or changed.part <> 'nation'
        or exists (
            select from changed as own
            where own.business_date = changed.business_date and own.branch_code <> '*'
        )
"""

OPEN_BUILD: LiteralString = """
    insert into meta.builds (ledger_entry_no, reference_version, calculation_version, definition_version, is_last)
    values (%s, %s, %s, %s, %s)
    returning build_id
"""

# A build of some branches shows the nation with them, and leaves it to be made again with the others.
TAKE_UNITS: LiteralString = """
    insert into meta.build_units
        (build_id, part, branch_code, business_date, delivery_id, is_provisional, reads, fingerprint)
    select %(build)s, part, branch_code, business_date, delivery_id, is_provisional, reads,
        case when part = 'nation' and fingerprint is not null and not %(whole)s then '' else fingerprint end
    from changed_units
    where is_now
"""

RECORD_UP_TO_DATE: LiteralString = """
    update meta.builds
    set ledger_entry_no = %s, reference_version = %s, calculation_version = %s, is_last = true
    where build_id = (select max(build_id) from meta.builds where flipped_at is not null)
"""

# Whether every table and view is there, as this version of the models defines it.
IS_DEFINED: LiteralString = """
    select
        exists (
            select from (select * from meta.builds where flipped_at is not null order by build_id desc limit 1) as newest
            where definition_version = %s
        )
        and (select bool_and(to_regclass(schema_name || '.' || table_name) is not null) from meta.built_tables)
"""

FLIP: tuple[LiteralString, ...] = (
    """
    insert into meta.superseded_units (part, branch_code, business_date, build_id)
    select unit.part, unit.branch_code, unit.business_date, unit.build_id
    from meta.current_units as unit
    inner join meta.build_units as made
        on unit.part = made.part and unit.branch_code = made.branch_code and unit.business_date = made.business_date
    where made.build_id = %s
    """,
    """
    delete from meta.current_units as unit
    using meta.build_units as made
    where
        made.build_id = %s
        and made.fingerprint is null
        and unit.part = made.part
        and unit.branch_code = made.branch_code
        and unit.business_date = made.business_date
    """,
    """
    insert into meta.current_units (part, branch_code, business_date, build_id, delivery_id, fingerprint)
    select part, branch_code, business_date, build_id, delivery_id, fingerprint
    from meta.build_units
    where build_id = %s and fingerprint is not null
    on conflict (part, branch_code, business_date) do update
    set build_id = excluded.build_id, delivery_id = excluded.delivery_id, fingerprint = excluded.fingerprint
    """,
    "update meta.builds set flipped_at = now() where build_id = %s",
)

ABANDON: LiteralString = """
    with abandoned as (
        update meta.builds set abandoned_at = now()
        where flipped_at is null and abandoned_at is null
        returning build_id
    )
    insert into meta.superseded_units (part, branch_code, business_date, build_id)
    select part, branch_code, business_date, build_id
    from meta.build_units
    inner join abandoned using (build_id)
    where fingerprint is not null
"""

FAMILIES: LiteralString = """
    select array_agg(distinct family.branch_code)
    from meta.branch_families as family
    where
        family.is_current
        and exists (
            select from meta.visible_deliveries as visible
            where visible.branch_code = family.branch_code and visible.branch_valid_from = family.valid_from
        )
    group by family.head_code, family.head_valid_from
    order by 1
"""

# The days as a list: PostgreSQL then looks at their partitions and index entries, not at the whole mart.
REMOVE_ROWS: LiteralString = """
    delete from {table} as built
    using meta.superseded_units as gone
    where
        gone.part = %(part)s
        and {branch} = gone.branch_code
        and {day} = gone.business_date
        and built.build_id = gone.build_id
        and {day} = any(array(select s.business_date from meta.superseded_units as s where s.part = %(part)s))
"""

TABLES_TO_CLEAN: LiteralString = """
    select table_name, part, branch_column, date_column
    from meta.built_tables
    where schema_name = 'mart_builds' and part in (select gone.part from meta.superseded_units as gone)
"""

KEPT_TABLES_TO_CLEAN: LiteralString = """
    select schema_name, table_name, part
    from meta.built_tables
    where schema_name <> 'mart_builds' and part in (select gone.part from meta.superseded_units as gone)
"""

# What a later build of the same delivery needs again is made again with it.
REMOVE_KEPT_ROWS: LiteralString = """
    delete from {table} as kept
    where kept.delivery_id in (
        select made.delivery_id
        from meta.superseded_units as gone
        inner join meta.build_units as made
            on
                gone.build_id = made.build_id
                and gone.part = made.part
                and gone.branch_code = made.branch_code
                and gone.business_date = made.business_date
        where
            gone.part = %(part)s
            and not exists (
                select from meta.current_units as unit
                where unit.part = %(part)s and unit.delivery_id = made.delivery_id
            )
    )
"""

# Partitions of the days of a month, its last one apart, of which no unit is left.
RETIRED_PARTITIONS: LiteralString = """
    select parent.relname, leaf.relname, case when i.inhdetachpending then 'finalize' else 'concurrently' end
    from pg_inherits as i
    inner join pg_class as parent on i.inhparent = parent.oid
    inner join pg_class as leaf on i.inhrelid = leaf.oid
    where
        parent.relnamespace = 'mart_builds'::regnamespace
        and leaf.relkind = 'r'
        and leaf.relname ~ '_[0-9]{4}_[0-9]{2}_days$'
        and (to_date(right(regexp_replace(leaf.relname, '_days$', ''), 7), 'YYYY_MM') + interval '1 month - 1 day')::date
        <= (select max(unit.business_date) from meta.current_units as unit where unit.part = 'state') - meta.days_kept()
"""
