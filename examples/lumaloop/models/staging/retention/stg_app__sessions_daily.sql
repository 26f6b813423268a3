select
    user_id,
    day,
    platform,
    sessions,
    minutes
from {{ source('app', 'sessions_daily') }}
