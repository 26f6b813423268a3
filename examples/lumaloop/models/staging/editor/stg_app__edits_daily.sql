select
    day,
    tool,
    platform,
    edits,
    case when substring(tool, 1, 3) = 'ai_' then 'ai' else 'classic' end as tool_family
from {{ source('app', 'edits_daily') }}
