select
    user_id,
    signed_up_on,
    country,
    country_group,
    platform,
    channel,
    email_opt_in
from {{ ref('int_signups') }}
