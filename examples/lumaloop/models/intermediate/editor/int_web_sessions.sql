select user_id, day, sessions, minutes
from {{ ref('stg_app__sessions_daily') }}
where platform = 'web'
