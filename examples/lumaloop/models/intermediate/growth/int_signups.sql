select
    users.user_id,
    users.signed_up_on,
    users.platform,
    users.channel,
    users.country,
    coalesce(countries.country_group, 'other') as country_group,
    users.email_opt_in
from {{ ref('stg_app__users') }} as users
left join {{ ref('country_codes') }} as countries on users.country = countries.country
