select
    day,
    platform,
    sessions,
    crashes
from {{ source('app', 'crashes_daily') }}
