select
    subscription_id,
    user_id,
    plan_id,
    started_on,
    previous_subscription_id is not null as is_win_back
from {{ ref('stg_billing__subscriptions') }}
