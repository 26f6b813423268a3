select
    subscription_id,
    user_id,
    plan_id,
    won_back_on,
    lost_for,
    days_away
from {{ ref('int_win_backs') }}
