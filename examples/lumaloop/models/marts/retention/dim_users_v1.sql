select
    user_id,
    signed_up_on,
    country,
    platform
from {{ ref('int_signups') }}
