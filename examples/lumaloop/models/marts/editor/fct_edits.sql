select
    day,
    tool,
    tool_family,
    platform,
    edits
from {{ ref('stg_app__edits_daily') }}
