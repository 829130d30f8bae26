-- What should be built: units with the fingerprint of everything that their figures depend on.
create or replace view meta.branch_families as
with recursive families as (
    select
        branch_code as head_code,
        valid_from as head_valid_from,
        branch_code,
        valid_from,
        successor_code is null as is_current
    from meta.branches
    union all
    select
        f.head_code,
        f.head_valid_from,
        b.branch_code,
        b.valid_from,
        f.is_current
    from families as f
    inner join meta.branches as b on f.branch_code = b.successor_code and f.valid_from = b.successor_valid_from
)

select
    head_code,
    head_valid_from,
    branch_code,
    valid_from,
    is_current
from families;
comment on view meta.branch_families is
'One row for each branch (head) and each branch that it stems from, itself included; is_current: the head stands today.';

-- The ledger only grows: what was visible after any of its entries can be asked at any time.
create or replace function meta.visible_deliveries_at(last_entry_no bigint)
returns table (
    branch_code text,
    branch_valid_from date,
    business_date date,
    delivery_id bigint,
    revision integer,
    previous_business_date date,
    verdict text,
    is_provisional boolean,
    published_at timestamptz,
    offices_expected integer,
    offices_delivered integer
)
language sql stable
as $$
    with newest as (
        select distinct on (l.branch_code, l.business_date)
            l.visible_delivery_id,
            l.at
        from meta.ledger as l
        where l.sets_visible and l.entry_no <= last_entry_no
        order by l.branch_code asc, l.business_date asc, l.entry_no desc
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
        d.offices_delivered
    from newest
    inner join meta.deliveries as d on newest.visible_delivery_id = d.delivery_id
    cross join lateral (
        select l.verdict
        from meta.ledger as l
        where l.delivery_id = d.delivery_id and l.entry_no <= last_entry_no
        order by l.entry_no desc
        limit 1
    ) as v
$$;

create or replace function meta.reference_version() returns text
language sql stable
return (select md5(string_agg(file_name || sha256, ' ' order by file_name)) from meta.reference_versions);

-- States are kept for so many days up to the newest visible date that has come, those of month-ends for ever (spec/marts.md).
create or replace function meta.days_kept() returns integer
language sql immutable
return 100;

-- The day in Vietnam on which an entry was written: asked of the ledger, not of a clock, so that the same ledger asks for the
-- same units at any time.
create or replace function meta.day_of_entry(entry_no bigint) returns date
language sql stable
return (select (l.at at time zone 'Asia/Ho_Chi_Minh')::date from meta.ledger as l where l.entry_no = $1);

-- The newest visible date that had come by an entry. A date of the future, sent by mistake, is shown, but retires nothing and
-- makes nothing late: one branch would empty the marts of all others (laws, 10).
create or replace function meta.newest_business_date(last_entry_no bigint) returns date
language sql stable
return (
    select max(v.business_date)
    from meta.visible_deliveries_at(last_entry_no) as v
    where v.business_date <= meta.day_of_entry(last_entry_no)
);

-- Every unit that should exist after ledger entry `last_entry_no`. `weight` is the number of rows to be read for it.
create or replace function meta.wanted_units(last_entry_no bigint, calculation_version text)
returns table (
    part text,
    branch_code text,
    business_date date,
    delivery_id bigint,
    is_provisional boolean,
    reads bigint [],
    fingerprint text,
    weight bigint
)
language sql stable
as $$
    with basis as materialized (
        select concat_ws(' ', calculation_version, meta.reference_version()) as version
    ),

    visible as materialized (
        select
            v.*,
            md5(concat_ws(' ', basis.version, v.delivery_id, v.is_provisional)) as fingerprint,
            hashtextextended(concat_ws(' ', v.delivery_id, v.is_provisional), 0) as mark
        from meta.visible_deliveries_at(last_entry_no) as v
        cross join basis
    ),

    calendar as materialized (
        select
            min(v.business_date) as first_on,
            coalesce(meta.newest_business_date(last_entry_no), min(v.business_date)) as last_on
        from visible as v
    ),

    files as materialized (
        select
            f.delivery_id,
            sum(f.row_count)::bigint as weight,
            max(f.content_sha256) filter (where f.dataset = 'offices')
            || max(f.content_sha256) filter (where f.dataset = 'savings_groups') as registers,
            max(f.content_sha256) filter (where f.dataset = 'inspections') as inspections,
            max(hashtextextended(f.content_sha256, 0))
                filter (where f.dataset = 'capital_transactions' and f.row_count > 0) as capital_mark
        from meta.delivery_files as f
        group by f.delivery_id
    ),

    -- A sum of marks is the mark of a set: it grows along the dates without reading the set again.
    family_days as (
        select
            l.head_code,
            l.head_valid_from,
            l.is_current,
            v.*,
            f.weight,
            f.registers,
            l.head_code = v.branch_code and l.head_valid_from = v.branch_valid_from as is_own,
            sum(v.mark) over this_year as year_mark,
            sum(f.capital_mark) over all_years as capital_mark,
            sum(v.mark) over all_years as all_mark
        from meta.branch_families as l
        inner join visible as v on l.branch_code = v.branch_code and l.valid_from = v.branch_valid_from
        left join files as f on v.delivery_id = f.delivery_id
        window
            this_year as (
                partition by l.head_code, l.head_valid_from, extract(year from v.business_date)
                order by v.business_date
            ),
            all_years as (partition by l.head_code, l.head_valid_from order by v.business_date)
    ),

    year_openings as (
        select
            head_code,
            head_valid_from,
            business_date,
            sum(mark) as mark
        from family_days
        where extract(month from business_date) = 12 and extract(day from business_date) = 31
        group by head_code, head_valid_from, business_date
    ),

    own_days as (
        select
            d.*,
            md5(concat_ws(' ', d.fingerprint, d.year_mark, o.mark, d.capital_mark)) as history_fingerprint,
            md5(concat_ws(' ', d.fingerprint, d.all_mark)) as targets_fingerprint,
            d.business_date >= calendar.last_on - meta.days_kept()
            or extract(day from d.business_date + 1) = 1 as has_state
        from family_days as d
        cross join calendar
        left join year_openings as o
            on
                d.head_code = o.head_code
                and d.head_valid_from = o.head_valid_from
                and o.business_date = (date_trunc('year', d.business_date) - interval '1 day')::date
        where d.is_own
    ),

    -- From the end of a quarter to that of the next, where all who held the territory at the first one are visible.
    migrations as (
        select
            d.branch_code,
            d.business_date,
            d.delivery_id,
            bool_or(d.is_provisional or o.is_provisional) as is_provisional,
            array_agg(o.delivery_id order by o.delivery_id) || d.delivery_id as reads,
            md5(concat_ws(' ', d.fingerprint, sum(o.mark))) as fingerprint
        from family_days as d
        inner join meta.branch_families as l on d.head_code = l.head_code and d.head_valid_from = l.head_valid_from
        cross join lateral (select (date_trunc('quarter', d.business_date) - interval '1 day')::date as last_on) as before
        inner join meta.branches as b
            on
                l.branch_code = b.branch_code
                and l.valid_from = b.valid_from
                and before.last_on between b.valid_from and coalesce(b.valid_to, 'infinity'::date)
        left join visible as o
            on
                b.branch_code = o.branch_code
                and b.valid_from = o.branch_valid_from
                and before.last_on = o.business_date
        where d.is_own and date_trunc('quarter', d.business_date + 1) = d.business_date + 1
        group by d.branch_code, d.business_date, d.delivery_id, d.fingerprint
        having count(*) = count(o.delivery_id)
    ),

    members as materialized (
        select l.head_code, l.head_valid_from, b.branch_code, b.valid_from, b.valid_to
        from meta.branch_families as l
        inner join meta.branches as b on l.branch_code = b.branch_code and l.valid_from = b.valid_from
    ),

    -- A delivery tells the inspections of its year and the last. The newest that tells of a quarter speaks for the branch that
    -- stood on the quarter's last day: its own, or the one that was renamed since. Of several that were merged it does not say
    -- whose an inspection was.
    told_quarters as (
        select
            m.branch_code,
            q.last_on,
            v.business_date,
            v.delivery_id,
            v.is_provisional,
            f.inspections,
            count(*) over (partition by v.delivery_id, q.last_on) as branches
        from visible as v
        inner join files as f on v.delivery_id = f.delivery_id
        cross join lateral (
            select (s.first_on + interval '3 months - 1 day')::date as last_on
            from generate_series(
                date_trunc('year', v.business_date) - interval '1 year', v.business_date, interval '3 months'
            ) as s (first_on)
        ) as q
        inner join members as m
            on
                v.branch_code = m.head_code
                and v.branch_valid_from = m.head_valid_from
                and q.last_on between m.valid_from and coalesce(m.valid_to, 'infinity'::date)
    ),

    inspected_quarters as (
        select distinct on (branch_code, last_on)
            branch_code,
            last_on,
            delivery_id,
            is_provisional,
            inspections
        from told_quarters
        where branches = 1
        order by branch_code asc, last_on asc, business_date desc
    ),

    -- Which commune a code names depends on the date, so the same registers say something else after a merger.
    commune_lists as materialized (
        select distinct valid_from from meta.communes
    ),

    newest_registers as (
        select distinct on (d.head_code, d.head_valid_from, d.branch_code, d.branch_valid_from)
            d.head_code,
            d.business_date,
            d.delivery_id,
            concat_ws(
                ' ', d.registers, (select max(c.valid_from) from commune_lists as c where c.valid_from <= d.business_date)
            ) as registers
        from family_days as d
        where d.is_current
        order by d.head_code, d.head_valid_from, d.branch_code, d.branch_valid_from, d.business_date desc
    ),

    -- A date's status: what came for it, and what covers it.
    covering as (
        select
            covered.business_date::date as business_date,
            v.mark,
            null::bigint as entry_no
        from visible as v
        cross join calendar
        cross join lateral generate_series(
            greatest(coalesce(v.previous_business_date + 1, v.business_date), calendar.first_on),
            least(v.business_date, calendar.last_on),
            interval '1 day'
        ) as covered (business_date)
        union all
        select
            l.business_date,
            null as mark,
            l.entry_no
        from meta.ledger as l
        where l.entry_no <= last_entry_no and l.verdict <> 'duplicate' and l.business_date is not null
        union all
        select
            day.business_date::date as business_date,
            null as mark,
            null as entry_no
        from calendar
        cross join lateral generate_series(calendar.first_on, calendar.last_on, interval '1 day') as day (business_date)
    )

    select 'state', branch_code, business_date, delivery_id, is_provisional, array[delivery_id], fingerprint, weight
    from own_days
    where has_state
    union all
    select 'flows', branch_code, business_date, delivery_id, is_provisional, array[delivery_id], fingerprint, 0
    from own_days
    union all
    select
        'history', branch_code, business_date, delivery_id, is_provisional, array[]::bigint [], history_fingerprint, 0
    from own_days
    where has_state
    union all
    select
        'targets', branch_code, business_date, delivery_id, is_provisional, array[]::bigint [], targets_fingerprint, 0
    from own_days
    where has_state
    union all
    select 'migration', branch_code, business_date, delivery_id, is_provisional, reads, fingerprint, 0
    from migrations
    union all
    select
        'inspections',
        branch_code,
        last_on,
        null,
        is_provisional,
        array[delivery_id],
        md5(concat_ws(' ', basis.version, is_provisional, inspections)),
        0
    from inspected_quarters
    cross join basis
    union all
    -- The nation on a date: all branches that are visible for it.
    select
        'nation',
        '*',
        business_date,
        null,
        false,
        array_agg(delivery_id order by delivery_id),
        md5(string_agg(history_fingerprint, ' ' order by branch_code)),
        0
    from own_days
    where has_state
    group by business_date
    union all
    select
        'registers',
        head_code,
        'infinity'::date,
        null,
        false,
        array_agg(delivery_id order by delivery_id),
        md5(basis.version || string_agg(registers, ' ' order by business_date, registers)),
        0
    from newest_registers
    cross join basis
    group by head_code, basis.version
    union all
    select
        'status',
        '*',
        business_date,
        null,
        false,
        array[]::bigint [],
        md5(concat_ws(
            ' ', basis.version, sum(mark), max(entry_no), business_date < (select calendar.last_on from calendar)
        )),
        0
    from covering
    cross join basis
    group by business_date, basis.version
    union all
    select 'dimensions', '*', 'infinity'::date, null, false, array[]::bigint [], md5(basis.version), 0
    from basis
$$;

grant execute on function
meta.visible_deliveries_at, meta.newest_business_date, meta.reference_version, meta.days_kept, meta.day_of_entry,
meta.wanted_units
to transformer;
grant select on meta.branch_families to transformer, quarter_keeper;
