{#
  The build that is being made, as meta.describe_running_build tells it. The pipeline says it once for a whole run; dbt started by
  hand asks. Empty outside of a build (documentation, lint).
#}
{% macro running_build() %}
    {% set told = var("running_build", none) or fetch_rows("select meta.describe_running_build()") | first | first %}
    {{ return(told or {}) }}
{% endmacro %}


{# The rows of a query as tuples: run_query makes a table of them and guesses at the types, which costs more than the query. #}
{% macro fetch_rows(query) %}
    {{ return(adapter.add_query(query)[1].fetchall() if execute else []) }}
{% endmacro %}


{# The deliveries that the running build reads for a part of the marts, as a list of numbers. #}
{% macro find_delivery_ids(part) %}
    {{ return(running_build().get("deliveries", {}).get(part, [])) }}
{% endmacro %}


{#
  Where few deliveries of a date are new, a query of the customers whose pairs may be others than those noted: all of them, or
  where a delivery replaces another one, those that this did not have and those of its own pairs. None: look at everybody.
#}
{% macro suspected_customers(loans) %}
    {% set made = find_delivery_ids("state") %}
    {% if find_delivery_ids("nation") | length <= 3 * made | length %}
        {{ return(none) }}
    {% endif %}
    {% set replaced = find_replaced_deliveries() if load_relation(this) else {} %}
    {% set parts = [] %}
    {% for delivery in made %}
        {% set customers = "select customer_id from " ~ loans ~ " where delivery_id = " %}
        {% set before = replaced.get(delivery) %}
        {% if before is none %}
            {% do parts.append(customers ~ delivery) %}
        {% else %}
            {% do parts.append("(" ~ customers ~ delivery ~ " except select meta.borrowers_shown(" ~ before ~ "))") %}
            {% do parts.append(
                "select customer_id from " ~ this ~ " where " ~ before ~ " in (delivery_id, other_delivery_id)"
            ) %}
        {% endif %}
    {% endfor %}
    {{ return(parts | join(" union all ")) }}
{% endmacro %}


{#
  The delivery that readers see now, by the one that the running build makes in its place: where with every other delivery of
  the nation all pairs are noted, because when the later of the two was made the nation had both.
#}
{% macro find_replaced_deliveries() %}
    {% set query %}
        select
            made.delivery_id as made,
            shown.delivery_id as before
        from meta.build_units as made
        inner join meta.build_units as nation
            on made.build_id = nation.build_id and made.business_date = nation.business_date and nation.part = 'nation'
        inner join meta.current_units as shown
            on
                made.part = shown.part
                and made.branch_code = shown.branch_code
                and made.business_date = shown.business_date
                and made.delivery_id <> shown.delivery_id
        where
            made.build_id = (select build_id from meta.running_build)
            and made.part = 'state'
            and made.fingerprint is not null
            and not exists (
                select from unnest(nation.reads) as other (delivery_id)
                left join meta.current_units as unit
                    on
                        unit.part = 'state'
                        and unit.business_date = made.business_date
                        and unit.delivery_id = other.delivery_id
                where
                    other.delivery_id not in (
                        select own.delivery_id
                        from meta.build_units as own
                        where own.build_id = made.build_id and own.part = 'state' and own.fingerprint is not null
                    )
                    and not exists (
                        select from meta.build_units as earlier
                        where
                            earlier.part = 'nation'
                            and earlier.business_date = made.business_date
                            and earlier.build_id = greatest(shown.build_id, unit.build_id)
                            and earlier.reads @> array[shown.delivery_id, other.delivery_id]
                    )
            )
    {% endset %}
    {% set replaced = {} %}
    {% for made, before in fetch_rows(query) %}
        {% do replaced.update({made: before}) %}
    {% endfor %}
    {{ return(replaced) }}
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
    {{ return(running_build().get("parts", []) | select("in", names) | list | length > 0) }}
{% endmacro %}


{# The rows of a mart that the running build has made and no reader sees yet: what tests look at. #}
{% macro candidates(relation) %}
    {% set build = running_build() %}
    {% set dates = build.dates if "business_date" in built_columns("mart_builds", relation.identifier) else [] %}
    {%- set rows -%}
        (
            select * from mart_builds.{{ relation.identifier }}
            where build_id = {{ build.get("build_id", "null") }}
            {%- if dates %} and business_date in ('{{ dates | join("', '") }}'){% endif %}
        )
    {%- endset -%}
    {{ return(rows) }}
{% endmacro %}


{# The rows of a mart that readers see once the running build has flipped: its own, else those that are shown now. #}
{% macro shown_after_flip(relation, part) %}
    {% set dates = running_build().dates or [] %}
    {%- set rows -%}
        (
            select built.* from mart_builds.{{ relation.identifier }} as built
            cross join {{ source("meta", "running_build") }} as running
            left join {{ source("meta", "build_units") }} as made
                on
                    running.build_id = made.build_id
                    and made.part = '{{ part }}'
                    and built.branch_code = made.branch_code
                    and built.business_date = made.business_date
            left join {{ source("meta", "current_units") }} as shown
                on
                    shown.part = '{{ part }}'
                    and built.branch_code = shown.branch_code
                    and built.business_date = shown.business_date
            where
                built.build_id = case when made.build_id is null then shown.build_id else running.build_id end
                {%- if dates %}
                and built.business_date in ('{{ dates | join("', '") }}')
                {%- endif %}
        )
    {%- endset -%}
    {{ return(rows) }}
{% endmacro %}


{# Generic tests on a mart look at the candidates, not at what is published already. #}
{% macro get_where_subquery(relation) %}
    {% if relation.schema != "marts" or not execute %}
        {{ return(default__get_where_subquery(relation)) }}
    {% endif %}
    {{ return(candidates(relation) ~ " as candidates") }}
{% endmacro %}
