select
    cast(date_trunc('week', day) as date) as week,
    tool,
    other_tool,
    sum(together) as together
from {{ ref('int_filter_pairs') }}
group by 1, 2, 3
