select
    subscription_id,
    user_id,
    plan_id,
    started_on,
    ended_on,
    cancel_reason,
    previous_subscription_id
from {{ source('billing', 'subscriptions') }}
