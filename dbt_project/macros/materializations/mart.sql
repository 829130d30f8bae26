{#
  A mart: the table mart_builds.<model>, never dropped, holds the rows of every build that a reader may see, and of the one
  that is being made; the view marts.<model> shows those of the current builds. A run replaces the rows of the running
  build only. `--full-refresh` changes nothing here: `python -m pipeline build --full` marks every unit for rebuilding.

  meta.part           which units the rows belong to (warehouse/ddl/004_builds.sql)
  meta.branch_column  the column that names the unit's branch; default branch_code; none: the nation
  meta.date_column    the column that holds the unit's date; default business_date, where there is one
  meta.partitioned    two partitions a month: its days, and its last day, which is kept for ever
  meta.indexes        lists of columns; default (business_date, branch_code), (business_date) or (build_id)
#}
{% materialization mart, adapter='postgres' %}

    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set mart = describe_mart(target_relation) -%}
    {%- set build = running_build().get("build_id") -%}

    {{ run_hooks(pre_hooks) }}

    {% if is_redefined('mart_builds', target_relation.identifier, mart.definition) %}
        {% do define_mart(target_relation, mart) %}
        {% do adapter.commit() %}
    {% endif %}

    {% if build is none or not has_units(mart.part) %}
        {% call statement('main') %} select 0 {% endcall %}
    {% else %}
        {% do assert_columns_equivalent(sql) %}
        {% if mart.partitioned %}
            {% do create_missing_partitions(target_relation, mart.part) %}
        {% endif %}
        {% call statement('delete') %}
            delete from {{ mart.table }} where build_id = {{ build }}
            {%- if mart.date_column %}
                and {{ mart.date_column }} in (
                    select business_date from meta.build_units where build_id = {{ build }} and part = '{{ mart.part }}'
                )
            {%- endif %}
        {% endcall %}
        {% set columns = mart.columns.keys() | join(', ') %}
        {% call statement('main') %}
            insert into {{ mart.table }} (build_id, {{ columns }})
            select {{ build }}, {{ columns }} from ({{ sql }}) as model
        {% endcall %}
    {% endif %}

    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}

    {{ return({'relations': [target_relation]}) }}

{% endmaterialization %}


{# What the materialization needs to know of a mart, from its contract and its config. #}
{% macro describe_mart(relation) %}
    {% set settings = config.get('meta', {}) %}
    {% if not settings.part or not model.contract.enforced %}
        {% do exceptions.raise_compiler_error(model.name ~ ' must name its part (meta.part) and enforce its contract') %}
    {% endif %}
    {% set columns = model.columns %}
    {% set dated = 'business_date' in columns %}
    {% set mart = {
        'part': settings.part,
        'table': 'mart_builds.' ~ relation.identifier,
        'columns': columns,
        'date_column': settings.get('date_column', 'business_date' if dated else none),
        'branch_column': settings.get('branch_column', 'branch_code' if dated and 'branch_code' in columns else none),
        'partitioned': settings.partitioned or false,
        'indexes': settings.indexes or default_indexes(dated, columns)
    } %}
    {% set shown = [] %}
    {% for column in columns.values() %}
        {% do shown.append([column.name, column.data_type, column.description, is_nullable(column)]) %}
    {% endfor %}
    {% set parts = [mart.part, mart.branch_column, mart.indexes, model.description, shown, mart_structure_version()] %}
    {% do mart.update({'definition': local_md5(tojson(parts))}) %}
    {{ return(mart) }}
{% endmacro %}


{% macro default_indexes(dated, columns) %}
    {{ return([['business_date', 'branch_code'] if 'branch_code' in columns else ['business_date']] if dated else [['build_id']]) }}
{% endmacro %}


{# A column of a mart is never null unless its contract says so. #}
{% macro is_nullable(column) %}{{ return(column.config.meta.nullable or false) }}{% endmacro %}


{# True when a built table or view was last defined otherwise, or is not there. #}
{% macro is_redefined(schema_name, table_name, definition) %}
    {% set query %}
        select exists (
            select from meta.built_tables
            where
                schema_name = '{{ schema_name }}'
                and table_name = '{{ table_name }}'
                and definition = '{{ definition }}'
                and to_regclass('{{ schema_name }}.{{ table_name }}') is not null
        )
    {% endset %}
    {{ return(not fetch_rows(query)[0][0]) }}
{% endmacro %}


{# The names of the columns of a built table in their order, an empty list while there is none. #}
{% macro built_columns(schema_name, table_name) %}
    {% set query %}
        select attname
        from pg_attribute
        where attrelid = to_regclass('{{ schema_name }}.{{ table_name }}') and attnum > 0 and not attisdropped
        order by attnum
    {% endset %}
    {{ return(fetch_rows(query) | map("first") | list) }}
{% endmacro %}


{% macro record_definition(schema_name, table_name, definition, part=none, branch_column=none, date_column=none) %}
    {% call statement('record') %}
        insert into meta.built_tables (schema_name, table_name, part, branch_column, date_column, definition)
        values (
            '{{ schema_name }}', '{{ table_name }}', {{ text_or_null(part) }}, {{ text_or_null(branch_column) }},
            {{ text_or_null(date_column) }}, '{{ definition }}'
        )
        on conflict (schema_name, table_name) do update
        set
            part = excluded.part,
            branch_column = excluded.branch_column,
            date_column = excluded.date_column,
            definition = excluded.definition
    {% endcall %}
{% endmacro %}


{% macro text_or_null(value) %}{{ return("'" ~ value ~ "'" if value else "null") }}{% endmacro %}
