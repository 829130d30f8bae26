{# Every measure that stands in more than one mart, or rests on a definition, is defined here and nowhere else. #}

{# A ratio in percent, six decimals, half up; null where the denominator is 0. A quotient that is already rounded when it
   is rounded to six decimals can go the wrong way, so whole millionths are counted; div() is exact. #}
{% macro percent(numerator, denominator) -%}
    (
        div(
            200000000 * ({{ numerator }})::numeric + sign(({{ numerator }})::numeric) * abs(({{ denominator }})::numeric),
            2 * nullif(({{ denominator }})::numeric, 0)
        ) * 0.000001
    )
{%- endmacro %}


{# The change against an earlier value, in percent of it. #}
{% macro growth_pct(value, earlier) -%}
    {{ percent(value ~ " - " ~ earlier, earlier) }}
{%- endmacro %}


{# Days since the oldest unpaid due date, else since the final maturity; negative while nothing is due. #}
{% macro days_past_due() -%}
    business_date - coalesce(oldest_unpaid_due_on, extended_to, maturity_on)
{%- endmacro %}


{# A loan stands in one band: by the days since it turned overdue, or frozen where nothing of it is overdue. #}
{% macro overdue_band() -%}
    case
        when overdue_vnd > 0 and business_date - overdue_since <= 30 then '1-30'
        when overdue_vnd > 0 and business_date - overdue_since <= 90 then '31-90'
        when overdue_vnd > 0 and business_date - overdue_since <= 180 then '91-180'
        when overdue_vnd > 0 and business_date - overdue_since <= 360 then '181-360'
        when overdue_vnd > 0 then 'over 360'
        when frozen_vnd > 0 then 'frozen'
    end
{%- endmacro %}


{# A loan's state is its worst: frozen, then overdue. #}
{% macro debt_state(loans) -%}
    case when {{ loans }}.frozen_vnd > 0 then 'frozen' when {{ loans }}.overdue_vnd > 0 then 'overdue' else 'in_term' end
{%- endmacro %}


{# The code of the quarter of a date, such as 2025Q3. #}
{% macro quarter_code(day) -%}
    to_char({{ day }}, 'YYYY"Q"Q')
{%- endmacro %}


{# A savings-and-credit group has 5 to 60 members (contract, section 5). #}
{% macro is_group_size_ok(members) -%}
    {{ members }} between 5 and 60
{%- endmacro %}


{# How long a borrower has been away, in full years; exactly two years are not yet over two. #}
{% macro years_absent() -%}
    case
        when business_date < (left_on + interval '1 year')::date then 'under 1'
        when business_date <= (left_on + interval '2 years')::date then '1-2'
        else 'over 2'
    end
{%- endmacro %}


{# The bank's own quality of debt: only what the bank converted is overdue. #}
{% macro overdue_ratio_pct(table) -%}
    {{ percent(table ~ ".overdue_vnd", table ~ ".outstanding_vnd") }}
{%- endmacro %}


{% macro overdue_frozen_ratio_pct(table) -%}
    {{ percent(table ~ ".overdue_vnd + " ~ table ~ ".frozen_vnd", table ~ ".outstanding_vnd") }}
{%- endmacro %}


{# Two denominators for the local share, never mixed: of capital, and of outstanding. #}
{% macro local_share_of_capital_pct(table) -%}
    {{ percent(table ~ ".local_vnd", table ~ ".capital_total_vnd") }}
{%- endmacro %}


{% macro local_share_of_outstanding_pct(table) -%}
    {{ percent(table ~ ".local_outstanding_vnd", table ~ ".outstanding_vnd") }}
{%- endmacro %}


{# Of the active groups that have a grade, those graded good (T). #}
{% macro groups_good_pct(table) -%}
    {{ percent(table ~ ".groups_good", table ~ ".groups_graded") }}
{%- endmacro %}


{# Whether rows are of the programme and source that a target is limited to; needs a CTE `ancestors`. #}
{% macro is_of_target(target, rows) -%}
    ({{ target }}.programme_code is null or {{ target }}.programme_code = {{ rows }}.programme_code)
    and (
        {{ target }}.source_code is null
        {#- A share of capital is of all capital, whatever source the target names. #}
        or {{ target }}.indicator = 'local_capital_share_pct'
        or ({{ rows }}.source_code, {{ target }}.source_code) in (
            select
                ancestors.source_code,
                ancestors.ancestor_code
            from ancestors
        )
    )
{%- endmacro %}


{# Whether a row of `holders` (int_commune_holders) is the commune that holds on a day what a code named on another day. #}
{% macro holds_commune(holders, commune_code, named_on, held_on) -%}
    {{ commune_code }} = {{ holders }}.commune_code
    and {{ named_on }} between {{ holders }}.valid_from and {{ holders }}.known_until
    and {{ held_on }} between {{ holders }}.held_from and {{ holders }}.held_until
{%- endmacro %}


{# Days of a month where a pace is told by the month: a year's twelfth. #}
{% macro days_of_a_month() %}30.4375{% endmacro %}


{# When a delivery should have come: eight in the morning, Vietnamese time, after the business date. #}
{% macro delivery_deadline(business_date) -%}
    (({{ business_date }} + 1) + time '08:00') at time zone 'Asia/Ho_Chi_Minh'
{%- endmacro %}
