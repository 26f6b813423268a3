select
    day,
    platform,
    sessions,
    crashes
from {{ ref('stg_app__crashes_daily') }}
