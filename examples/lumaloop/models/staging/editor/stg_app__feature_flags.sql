select
    flag_id,
    flag,
    created_on,
    rollout_percent
from {{ source('app', 'feature_flags') }}
