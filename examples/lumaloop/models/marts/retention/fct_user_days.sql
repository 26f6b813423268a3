select
    user_id,
    day,
    sum(sessions) as sessions,
    sum(minutes) as minutes
from {{ ref('stg_app__sessions_daily') }}
group by user_id, day
