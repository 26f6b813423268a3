select
    storage.user_id,
    storage.month,
    storage.gigabytes,
    users.platform
from {{ ref('stg_app__storage_monthly') }} as storage
inner join {{ ref('stg_app__users') }} as users on storage.user_id = users.user_id
