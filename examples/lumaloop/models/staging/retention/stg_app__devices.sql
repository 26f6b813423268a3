select
    device_id,
    user_id,
    first_seen_on,
    platform,
    os_version
from {{ source('app', 'devices') }}
