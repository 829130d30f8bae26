{# Every measure that stands in more than one mart, or rests on a definition, is defined here and nowhere else. #}

{# A ratio in percent, six decimals, half up; null where the denominator is 0. #}
{% macro percent(numerator, denominator) -%}
    round(100 * ({{ numerator }})::numeric / nullif(({{ denominator }})::numeric, 0), 6)
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


{# When a delivery should have come: eight in the morning, Vietnamese time, after the business date. #}
{% macro delivery_deadline(business_date) -%}
    (({{ business_date }} + 1) + time '08:00') at time zone 'Asia/Ho_Chi_Minh'
{%- endmacro %}
