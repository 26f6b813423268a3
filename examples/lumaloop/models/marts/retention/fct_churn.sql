select
    subscription_id,
    user_id,
    plan_id,
    churned_on,
    cancel_reason,
    lifetime_days
from {{ ref('int_churn_events') }}
