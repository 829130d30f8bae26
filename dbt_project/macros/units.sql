{# The number of the build that is being made, none outside of one (documentation, lint). #}
{% macro running_build() %}
    {% if not execute %}
        {{ return(none) }}
    {% endif %}
    {% set found = run_query("select build_id from meta.running_build") %}
    {{ return(found.rows[0][0] | int if found.rows else none) }}
{% endmacro %}


{# The ledger entry up to which the running build reads: the ledger only grows, so later entries are not seen. #}
{% macro ledger_entry_no() %}
    {% if not execute %}
        {{ return(0) }}
    {% endif %}
    {% set found = run_query("select ledger_entry_no from meta.running_build") %}
    {{ return(found.rows[0][0] | int if found.rows else 0) }}
{% endmacro %}


{# The deliveries that the running build reads for a part of the marts, as a list of numbers. #}
{% macro find_delivery_ids(part) %}
    {% if not execute %}
        {{ return([]) }}
    {% endif %}
    {% set query %}
        select distinct unnest(reads) as delivery_id
        from meta.build_units
        where build_id = (select build_id from meta.running_build) and part = '{{ part }}'
        order by delivery_id
    {% endset %}
    {{ return(run_query(query).columns[0].values() | map("int") | list) }}
{% endmacro %}


{# Where few deliveries of a date are new, only their customers can be newly shared, and reading for these is cheap. #}
{% macro may_be_shared(loans) %}
    {% set made = find_delivery_ids("state") %}
    {% if find_delivery_ids("nation") | length <= 3 * made | length %}
        {{ return("true") }}
    {% endif %}
    {{ return("customer_id in (select customer_id from " ~ loans ~ " where delivery_id in " ~ literal_list(made) ~ ")") }}
{% endmacro %}


{# The same as a literal SQL list, so that PostgreSQL prunes all other deliveries while it plans: `in {{ ... }}`. #}
{% macro delivery_ids(part) %}
    {{ return(literal_list(find_delivery_ids(part))) }}
{% endmacro %}


{% macro literal_list(numbers) %}
    {{ return("(" ~ (numbers | join(", ") if numbers else "null") ~ ")") }}
{% endmacro %}


{# True when the running build has something to do for a part of the marts, or for one of several. #}
{% macro has_units(parts) %}
    {% set names = [parts] if parts is string else parts %}
    {% set query %}
        select exists (
            select from meta.build_units
            where build_id = (select build_id from meta.running_build) and part in ('{{ names | join("', '") }}') and fingerprint is not null
        )
    {% endset %}
    {{ return(run_query(query).rows[0][0]) }}
{% endmacro %}


{# The rows of a mart that the running build has made and no reader sees yet: what tests look at. #}
{% macro candidates(relation) %}
    {% set build = running_build() %}
    {% do avoid_nested_loops() %}
    {% set dates = [] %}
    {% if build is not none and "business_date" in built_columns(relation) %}
        {% set query %}
            select distinct business_date::text as business_date
            from meta.build_units
            where build_id = {{ build }} and business_date < 'infinity'
        {% endset %}
        {% set dates = run_query(query).columns[0].values() %}
    {% endif %}
    {%- set rows -%}
        (
            select * from mart_builds.{{ relation.identifier }}
            where build_id = {{ build if build is not none else "null" }}
            {%- if dates %} and business_date in ('{{ dates | join("', '") }}'){% endif %}
        )
    {%- endset -%}
    {{ return(rows) }}
{% endmacro %}


{# The names of the columns of a mart's own table, an empty list while there is none. #}
{% macro built_columns(relation) %}
    {% set query %}
        select column_name from information_schema.columns
        where table_schema = 'mart_builds' and table_name = '{{ relation.identifier }}'
        order by ordinal_position
    {% endset %}
    {{ return(run_query(query).columns[0].values() | list) }}
{% endmacro %}


{# Generic tests on a mart look at the candidates, not at what is published already. #}
{% macro get_where_subquery(relation) %}
    {% if relation.schema != "marts" or not execute %}
        {{ return(default__get_where_subquery(relation)) }}
    {% endif %}
    {{ return(candidates(relation) ~ " as candidates") }}
{% endmacro %}


{#
  Rows that have just been loaded are unknown to the planner: it takes a delivery for a handful of rows and loops over it (two
  minutes were seen where a hash join takes a second). The role's own setting (009_grants.sql) is of its database, and a copy or
  a restored dump of that has none: so it is said here too, for the transaction of the running statement.
#}
{% macro avoid_nested_loops() %}
    {% if execute %}
        {% call statement('planner') %} set local enable_nestloop = off {% endcall %}
    {% endif %}
{% endmacro %}
