select
    user_id,
    signed_up_at,
    country,
    platform,
    channel,
    email_opt_in,
    cast(signed_up_at as date) as signed_up_on
from {{ source('app', 'users') }}
