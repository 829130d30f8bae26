{# Raised whenever what stands below changes what existing marts should look like. #}
{% macro mart_structure_version() %}{{ return(2) }}{% endmacro %}


{# Create the table, its policies and the public view, or carry existing ones forward. Nothing is dropped. #}
{% macro define_mart(relation, mart) %}
    {% set existing = built_columns('mart_builds', relation.identifier) %}
    {% if not existing %}
        {% do create_mart_table(relation, mart) %}
    {% else %}
        {% for name in existing if name != 'build_id' and name not in mart.columns %}
            {% do exceptions.raise_compiler_error(
                relation.identifier ~ '.' ~ name ~ ' is public: columns may be added, none renamed or dropped'
            ) %}
        {% endfor %}
        {% for name, column in mart.columns.items() if name not in existing %}
            {# Rows of earlier builds have no value: the units are rebuilt because the model has changed. #}
            {% call statement('add_column') %}
                alter table {{ mart.table }} add column {{ name }} {{ column.data_type }}
            {% endcall %}
        {% endfor %}
    {% endif %}
    {% do create_mart_indexes(relation, mart) %}
    {% do create_mart_policies(relation, mart) %}
    {% do create_mart_view(relation, mart) %}
    {% do comment_on_mart(relation, mart) %}
    {% do record_definition(
        'mart_builds', relation.identifier, mart.definition, mart.part, mart.branch_column, mart.date_column
    ) %}
{% endmacro %}


{% macro create_mart_table(relation, mart) %}
    {% set lines = ['build_id bigint not null'] %}
    {% for column in mart.columns.values() %}
        {% do lines.append(column.name ~ ' ' ~ column.data_type ~ ('' if is_nullable(column) else ' not null')) %}
    {% endfor %}
    {% call statement('create_table') %}
        create table {{ mart.table }} (
            {{ lines | join(',\n            ') }}
        )
        {%- if mart.partitioned %} partition by range (business_date){% endif %}
    {% endcall %}
{% endmacro %}


{% macro create_mart_indexes(relation, mart) %}
    {% for columns in mart.indexes %}
        {% set name = relation.identifier ~ '_' ~ local_md5(columns | join(','))[:8] %}
        {% call statement('create_index') %}
            create index if not exists {{ name }} on {{ mart.table }} ({{ columns | join(', ') }})
        {% endcall %}
    {% endfor %}
{% endmacro %}


{# Rows with a branch are seen by a branch reader when they are of its own branch (spec, Roles); unmapped sees none. #}
{% macro create_mart_policies(relation, mart) %}
    {% set own_branch %}
        current_branch_code in (select branch_code from meta.branch_access where role_name = current_user)
    {% endset %}
    {% set own_rows = own_branch if 'current_branch_code' in mart.columns else 'true' %}
    {% call statement('policies') %}
        alter table {{ mart.table }} enable row level security;
        drop policy if exists all_rows on {{ mart.table }};
        create policy all_rows on {{ mart.table }} for select to bi_reader, quarter_keeper using (true);
        drop policy if exists own_rows on {{ mart.table }};
        create policy own_rows on {{ mart.table }} for select to branch_reader using ({{ own_rows }});
        grant select on {{ mart.table }} to bi_reader, branch_reader, quarter_keeper;
    {% endcall %}
{% endmacro %}


{#
  Existing columns keep their places: PostgreSQL replaces a view in place only when new columns stand last. Behind the barrier no
  condition of a reader's query is asked of a row of another build: an error would quote it.
#}
{% macro create_mart_view(relation, mart) %}
    {% set names = built_columns(relation.schema, relation.identifier) %}
    {% for name in mart.columns if name not in names %}
        {% do names.append(name) %}
    {% endfor %}
    {% call statement('create_view') %}
        create or replace view {{ relation }} with (security_invoker = true, security_barrier = true) as
        select
            built.{{ names | join(',\n            built.') }}
        from {{ mart.table }} as built
        inner join meta.current_units as unit
            on
                unit.part = '{{ mart.part }}'
                and unit.branch_code = {{ 'built.' ~ mart.branch_column if mart.branch_column else "'*'" }}
                and unit.business_date = {{ 'built.' ~ mart.date_column if mart.date_column else "'infinity'::date" }}
                and unit.build_id = built.build_id;
        grant select on {{ relation }} to bi_reader, branch_reader, quarter_keeper;
    {% endcall %}
{% endmacro %}


{% macro comment_on_mart(relation, mart) %}
    {% call statement('comments') %}
        {% for kind, name in [('table', mart.table), ('view', relation)] %}
            comment on {{ kind }} {{ name }} is {{ postgres_escape_comment(model.description) }};
            {% for column in mart.columns.values() %}
                comment on column {{ name }}.{{ column.name }} is {{ postgres_escape_comment(column.description) }};
            {% endfor %}
        {% endfor %}
        comment on column {{ mart.table }}.build_id is 'The build that made the row; readers see those of meta.current_units.';
    {% endcall %}
{% endmacro %}


{# Two partitions a month, so that retention can drop the days and keep the month-end. ATTACH does not block readers. #}
{% macro create_missing_partitions(relation, part) %}
    {% set query %}
        select distinct
            date_trunc('month', business_date)::date::text as first_on,
            (date_trunc('month', business_date) + interval '1 month - 1 day')::date::text as last_on,
            (date_trunc('month', business_date) + interval '1 month')::date::text as next_on
        from meta.build_units
        where build_id = (select build_id from meta.running_build) and part = '{{ part }}' and fingerprint is not null
    {% endset %}
    {% for first_on, last_on, next_on in fetch_rows(query) %}
        {% set month = relation.identifier ~ '_' ~ first_on[:7].replace('-', '_') %}
        {% do create_partition_if_missing(relation, month ~ '_days', first_on, last_on) %}
        {% do create_partition_if_missing(relation, month ~ '_end', last_on, next_on) %}
    {% endfor %}
{% endmacro %}


{% macro create_partition_if_missing(relation, name, from_date, to_date) %}
    {% if not built_columns('mart_builds', name) %}
        {% call statement('create_partition') %}
            create table mart_builds.{{ name }} (like mart_builds.{{ relation.identifier }} including all);
            alter table mart_builds.{{ relation.identifier }}
            attach partition mart_builds.{{ name }} for values from ('{{ from_date }}') to ('{{ to_date }}');
        {% endcall %}
    {% endif %}
{% endmacro %}
