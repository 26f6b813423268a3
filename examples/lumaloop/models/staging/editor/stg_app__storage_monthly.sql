select
    user_id,
    month,
    gigabytes
from {{ source('app', 'storage_monthly') }}
