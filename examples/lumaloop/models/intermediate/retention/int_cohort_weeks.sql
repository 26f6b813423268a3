-- Weeks since sign-up in which each cohort's users came back.
select
    cast(date_trunc('month', users.signed_up_on) as date) as cohort,
    (sessions.day - users.signed_up_on) / 7 as week_number,
    sessions.user_id
from {{ ref('stg_app__sessions_daily') }} as sessions
inner join {{ ref('dim_users', v=1) }} as users on sessions.user_id = users.user_id
