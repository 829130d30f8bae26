-- What is said beside frozen figures: how they compare with earlier quarters, and with what the warehouse says now.
-- A ratio as the marts have it (dbt_project/macros/measures.sql): percent, six decimals, half up, rounded once.
create or replace function quarters.percent(part numeric, whole numeric) returns numeric
language sql immutable parallel safe
return div(200000000 * part + sign(part) * abs(whole), 2 * nullif(whole, 0)) * 0.000001;

-- The figures of one version, one row each: measure by territory (as reported, or as it stands today), branch ('*' is the
-- nation) and dimension (total, programme, source, organisation, commune, capital source) with its member.
create or replace function quarters.figures_of(quarter_code text, version integer)
returns table (
    territory text, branch_code text, dimension text, member_code text, measure text, value numeric
)
language plpgsql stable
as $$
#variable_conflict use_column
begin
    -- The frozen tables are made by the first freeze.
    if to_regclass('quarters.loan_balances') is null then
        return;
    end if;
    return query
    with territories (territory) as (values ('reported'), ('current')),

    scorecards as (
        select t.territory, case t.territory when 'current' then s.current_branch_code else s.branch_code end as branch, s.*
        from quarters.branch_scorecard as s
        cross join territories as t
        where s.quarter_code = $1 and s.version = $2
    ),

    balances as (
        select
            t.territory,
            case t.territory when 'current' then l.current_branch_code else l.branch_code end as branch,
            case t.territory when 'current' then l.current_commune_code else l.commune_code end as commune,
            l.*
        from quarters.loan_balances as l
        cross join territories as t
        where l.quarter_code = $1 and l.version = $2
    ),

    capital as (
        select
            t.territory,
            case t.territory when 'current' then c.current_branch_code else c.branch_code end as branch,
            c.source_code,
            c.tier,
            c.balance_vnd
        from quarters.capital_sources as c
        cross join territories as t
        where c.quarter_code = $1 and c.version = $2
    ),

    loan_amounts as (
        select b.territory, b.branch, d.dimension, d.member_code, m.measure, sum(m.value) as value
        from balances as b
        cross join lateral (
            values
            ('total', null), ('programme', b.programme_code), ('source', b.source_code),
            ('organisation', b.organisation_code), ('commune', b.commune)
        ) as d (dimension, member_code)
        cross join lateral (
            values
            ('outstanding_vnd', b.outstanding_vnd), ('in_term_vnd', b.in_term_vnd), ('overdue_vnd', b.overdue_vnd),
            ('frozen_vnd', b.frozen_vnd), ('loans', b.loans), ('par30_vnd', b.par30_vnd), ('par90_vnd', b.par90_vnd),
            ('local_outstanding_vnd', case when b.source_code like 'DP%' then b.outstanding_vnd else 0 end)
        ) as m (measure, value)
        group by b.territory, b.branch, d.dimension, d.member_code, m.measure
    ),

    capital_amounts as (
        select c.territory, c.branch, d.dimension, d.member_code, 'balance_vnd' as measure, sum(c.balance_vnd) as value
        from capital as c
        cross join lateral (
            values ('total', null), ('capital_source', c.source_code), ('tier', c.tier)
        ) as d (dimension, member_code)
        group by c.territory, c.branch, d.dimension, d.member_code
    ),

    flow_amounts as (
        select f.territory, f.branch, 'programme' as dimension, f.programme_code as member_code, m.measure, sum(m.value) as value
        from (
            select
                t.territory,
                case t.territory when 'current' then l.current_branch_code else l.branch_code end as branch,
                l.programme_code,
                l.disbursed_vnd,
                l.collected_vnd
            from quarters.lending_flows as l
            cross join territories as t
            where l.quarter_code = $1 and l.version = $2
        ) as f
        cross join lateral (
            values ('disbursed_vnd', f.disbursed_vnd), ('collected_vnd', f.collected_vnd)
        ) as m (measure, value)
        group by f.territory, f.branch, f.programme_code, m.measure
    ),

    -- What only the scorecard knows; null where a branch of the territory has no figure.
    headlines as (
        select
            s.territory, s.branch, 'total' as dimension, null as member_code, m.measure,
            case when count(*) = count(m.value) then sum(m.value) end as value
        from scorecards as s
        cross join lateral (
            values
            ('borrowers', s.borrowers), ('disbursed_qtd_vnd', s.disbursed_qtd_vnd),
            ('disbursed_ytd_vnd', s.disbursed_ytd_vnd), ('collected_qtd_vnd', s.collected_qtd_vnd),
            ('collected_ytd_vnd', s.collected_ytd_vnd), ('borrowers_reached_qtd', s.borrowers_reached_qtd),
            ('borrowers_reached_ytd', s.borrowers_reached_ytd), ('absconded_borrowers', s.absconded_borrowers),
            ('absconded_cases', s.absconded_cases), ('groups', s.groups)
        ) as m (measure, value)
        group by s.territory, s.branch, m.measure
    ),

    amounts as (
        select * from loan_amounts
        union all
        select * from capital_amounts
        union all
        select * from flow_amounts
        union all
        select * from headlines
    ),

    -- Ratios of a territory follow from its amounts: they are never added or averaged.
    ratios as (
        select
            a.territory, a.branch, a.dimension, a.member_code, r.measure,
            quarters.percent(
                sum(a.value) filter (where a.measure = any(r.part)), sum(a.value) filter (where a.measure = r.whole)
            ) as value
        from amounts as a
        cross join (
            values
            ('overdue_ratio_pct', array['overdue_vnd'], 'outstanding_vnd'),
            ('overdue_frozen_ratio_pct', array['overdue_vnd', 'frozen_vnd'], 'outstanding_vnd'),
            ('par30_ratio_pct', array['par30_vnd'], 'outstanding_vnd'),
            ('par90_ratio_pct', array['par90_vnd'], 'outstanding_vnd'),
            ('local_share_of_outstanding_pct', array['local_outstanding_vnd'], 'outstanding_vnd')
        ) as r (measure, part, whole)
        where a.measure = any(r.part) or a.measure = r.whole
        group by a.territory, a.branch, a.dimension, a.member_code, r.measure
        having count(*) filter (where a.measure = r.whole) > 0
        union all
        select
            c.territory, c.branch, 'total', null, 'local_share_of_capital_pct',
            quarters.percent(
                coalesce(sum(c.balance_vnd) filter (where c.tier = 'local'), 0), sum(c.balance_vnd)
            )
        from capital as c
        group by c.territory, c.branch
    ),

    nation as (
        select t.territory, '*' as branch, 'total' as dimension, null as member_code, m.key as measure, m.value::numeric as value
        from quarters.national_scorecard as n
        cross join territories as t
        cross join lateral jsonb_each_text(to_jsonb(n)) as m
        where n.quarter_code = $1 and n.version = $2
            and m.key not in ('quarter_code', 'version', 'business_date') and m.value ~ '^-?[0-9]+([.][0-9]+)?$'
    )

    select * from amounts
    union all
    select * from ratios
    union all
    select * from nation;
end
$$;

-- The branch and the commune that each code names, or named last, on a quarter's last day.
create or replace function quarters.units_of(quarter_code text)
returns table (kind text, code text, valid_from date)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select distinct on (u.kind, u.code) u.kind, u.code, u.valid_from
    from (
        select 'branch' as kind, b.branch_code as code, b.valid_from from meta.branches as b
        union all
        select 'commune', c.commune_code, c.valid_from from meta.communes as c
    ) as u
    where u.valid_from <= quarters.quarter_end($1)
    order by u.kind asc, u.code asc, u.valid_from desc
$$;

-- The figures of a version with the unit that each code names as reported; what stands today is named by its code alone.
create or replace function quarters.dated_figures_of(quarter_code text, version integer)
returns table (
    territory text, branch_code text, dimension text, member_code text, measure text, value numeric,
    branch_valid_from date, member_valid_from date
)
language sql stable
as $$
    select f.*, b.valid_from, m.valid_from
    from quarters.figures_of($1, $2) as f
    left join quarters.units_of($1) as b on f.territory = 'reported' and b.kind = 'branch' and f.branch_code = b.code
    left join quarters.units_of($1) as m on f.territory = 'reported' and f.dimension = m.kind and f.member_code = m.code
$$;

-- The figures of one version beside those of another; change is in the measure's own unit (percentage points for _pct).
create or replace function quarters.compare_versions(
    quarter_code text, version integer, compared_quarter_code text, compared_version integer
)
returns table (
    territory text, branch_code text, dimension text, member_code text, measure text,
    value numeric, compared_value numeric, change numeric, change_pct numeric
)
language sql stable
as $$
    select
        coalesce(f.territory, c.territory),
        coalesce(f.branch_code, c.branch_code),
        coalesce(f.dimension, c.dimension),
        coalesce(f.member_code, c.member_code),
        coalesce(f.measure, c.measure),
        f.value,
        c.value,
        f.value - c.value,
        case when coalesce(f.measure, c.measure) not like '%\_pct' then quarters.percent(f.value - c.value, c.value) end
    from quarters.dated_figures_of($1, $2) as f
    full outer join quarters.dated_figures_of($3, $4) as c
        on
            f.territory = c.territory and f.branch_code = c.branch_code and f.dimension = c.dimension
            and coalesce(f.member_code, '') = coalesce(c.member_code, '') and f.measure = c.measure
            and coalesce(f.branch_valid_from, 'infinity') = coalesce(c.branch_valid_from, 'infinity')
            and coalesce(f.member_valid_from, 'infinity') = coalesce(c.member_valid_from, 'infinity')
$$;

-- Each published version beside the quarter before, the start of the year and the same quarter of last year.
create or replace view quarters.comparison with (security_invoker = true) as
select
    v.quarter_code,
    v.version,
    v.is_current,
    b.basis,
    p.quarter_code as compared_quarter_code,
    p.version as compared_version,
    c.*
from quarters.versions as v
cross join lateral (
    values
    ('quarter before', v.as_of - interval '3 months'),
    ('year start', date_trunc('year', v.as_of) - interval '1 day'),
    ('same quarter last year', v.as_of - interval '1 year')
) as b (basis, compared_on)
inner join quarters.versions as p on p.is_current and p.quarter_code = to_char(b.compared_on, 'YYYY"Q"Q')
cross join lateral quarters.compare_versions(v.quarter_code, v.version, p.quarter_code, p.version) as c
where v.status in ('published', 'superseded');
comment on view quarters.comparison is
'Figures of published quarters beside those of earlier ones; no row where the earlier quarter is not published. '
'As reported, a code that names another unit than then has a row for each, and no change.';

revoke execute on function quarters.units_of from public;
grant execute on function quarters.units_of to quarter_keeper, bi_reader, branch_reader;
grant select on quarters.comparison to quarter_keeper, bi_reader, branch_reader;
