{#
  An intermediate table that the running build fills for its deliveries or units.

  meta.part    the units that the rows are made for, of one part or a list of parts; null: every build
  meta.kept    true: rows stay, by delivery_id, and later dates read them without reading the delivery again;
               false: the rows are those of the running build only
  meta.single  true: one statement a delivery, so that memory is bounded and PostgreSQL plans for one partition
#}
{% materialization unit_rows, adapter='postgres' %}

    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set settings = config.get('meta', {}) -%}
    {%- set deliveries = find_delivery_ids(settings.part) if settings.kept or settings.single else [] -%}
    {%- set definition = local_md5(tojson([model.raw_code, settings.kept or false, 2])) -%}

    {{ run_hooks(pre_hooks) }}

    {% if is_redefined(target_relation.schema, target_relation.identifier, definition) %}
        {% do define_unit_rows(target_relation, sql, settings.kept or false) %}
        {% do record_definition(
            target_relation.schema, target_relation.identifier, definition, settings.part if settings.kept else none
        ) %}
        {% do adapter.commit() %}
    {% endif %}

    {% if not running_build() or (settings.part and not has_units(settings.part)) %}
        {% call statement('main') %} select 0 {% endcall %}
    {% else %}
        {% call statement('clear') %}
            {% if settings.kept %}
                delete from {{ target_relation }} where delivery_id in {{ literal_list(deliveries) }}
            {% else %}
                truncate {{ target_relation }}
            {% endif %}
        {% endcall %}
        {% set columns = built_columns(target_relation.schema, target_relation.identifier) | join(', ') %}
        {% set statements = [sql] %}
        {% if settings.single and deliveries | length > 1 %}
            {% set statements = narrow_to_each(sql, deliveries) %}
        {% endif %}
        {% for statement_sql in statements %}
            {% call statement('main') %}
                insert into {{ target_relation }} ({{ columns }})
                select {{ columns }} from ({{ statement_sql }}) as model
            {% endcall %}
        {% endfor %}
    {% endif %}

    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}

    {{ return({'relations': [target_relation]}) }}

{% endmaterialization %}


{# The compiled statement once for each delivery, with its literal list narrowed to that one. #}
{% macro narrow_to_each(sql, deliveries) %}
    {% set all = literal_list(deliveries) %}
    {% set statements = [] %}
    {% for delivery in deliveries %}
        {% do statements.append(sql.replace(all, literal_list([delivery]))) %}
    {% endfor %}
    {{ return(statements) }}
{% endmacro %}


{# Create the table from the statement's columns. What is kept stays: it gains columns and loses those no longer made. #}
{% macro define_unit_rows(relation, sql, kept) %}
    {% set existing = built_columns(relation.schema, relation.identifier) %}
    {% if kept and existing %}
        {# PostgreSQL is asked for the types: dbt has names of its own for them, LONGINTEGER for bigint. #}
        {% call statement('create_wanted') %}
            drop table if exists pg_temp.wanted_rows;
            create temporary table wanted_rows as
            select * from ({{ sql }}) as model where false;
        {% endcall %}
        {% set query %}
            select attname, format_type(atttypid, atttypmod)
            from pg_attribute
            where attrelid = 'pg_temp.wanted_rows'::regclass and attnum > 0
            order by attnum
        {% endset %}
        {% set wanted = fetch_rows(query) %}
        {% for name, kind in wanted if name not in existing %}
            {% call statement('add_column') %} alter table {{ relation }} add column {{ name }} {{ kind }} {% endcall %}
        {% endfor %}
        {% for name in existing if name not in wanted | map('first') %}
            {% call statement('drop_column') %} alter table {{ relation }} drop column {{ name }} cascade {% endcall %}
        {% endfor %}
    {% else %}
        {% call statement('create_table') %}
            drop table if exists {{ relation }} cascade;
            create table {{ relation }} as
            select * from ({{ sql }}) as model where false;
        {% endcall %}
        {% if kept %}
            {% call statement('create_index') %} create index on {{ relation }} (delivery_id) {% endcall %}
        {% endif %}
    {% endif %}
{% endmacro %}
