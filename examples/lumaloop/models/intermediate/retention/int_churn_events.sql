select
    subscription_id,
    user_id,
    plan_id,
    started_on,
    ended_on as churned_on,
    cancel_reason,
    ended_on - started_on as lifetime_days
from {{ ref('stg_billing__subscriptions') }}
where ended_on is not null
