select
    user_id,
    day,
    sessions,
    minutes
from {{ ref('int_web_sessions') }}
