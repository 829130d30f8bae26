{# A view, made again only when its text has changed. What stood on it is gone with it and is made again in the same run. #}
{% materialization view, adapter='postgres' %}

    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set definition = local_md5(sql) -%}

    {{ run_hooks(pre_hooks) }}

    {% if is_redefined(target_relation.schema, target_relation.identifier, definition) %}
        {% call statement('main') %}
            drop view if exists {{ target_relation }} cascade;
            create view {{ target_relation }} as {{ sql }}
        {% endcall %}
        {% do record_definition(target_relation.schema, target_relation.identifier, definition) %}
    {% else %}
        {% call statement('main') %} select 0 {% endcall %}
    {% endif %}

    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}

    {{ return({'relations': [target_relation]}) }}

{% endmaterialization %}
