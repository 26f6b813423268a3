{{ config(materialized='table') }}

select
    first_tool.day,
    first_tool.platform,
    first_tool.tool as tool,
    second_tool.tool as other_tool,
    least(first_tool.edits, second_tool.edits) as together
from {{ ref('int_filter_use') }} as first_tool
inner join {{ ref('int_filter_use') }} as second_tool
    on first_tool.day = second_tool.day
    and first_tool.platform = second_tool.platform
    and first_tool.tool < second_tool.tool
