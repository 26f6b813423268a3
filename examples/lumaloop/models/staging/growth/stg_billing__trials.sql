select
    trial_id,
    user_id,
    started_on,
    ends_on
from {{ source('billing', 'trials') }}
