{% macro generate_schema_name(custom_schema_name, node) -%}
    {#- Schemas are named as configured, without the target's prefix: the oracle's SQL names them. -#}
    {{ custom_schema_name if custom_schema_name else target.schema }}
{%- endmacro %}
