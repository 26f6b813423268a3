select
    won.subscription_id,
    won.user_id,
    won.plan_id,
    won.started_on as won_back_on,
    lost.cancel_reason as lost_for,
    won.started_on - lost.ended_on as days_away
from {{ ref('stg_billing__subscriptions') }} as won
inner join {{ ref('stg_billing__subscriptions') }} as lost
    on won.previous_subscription_id = lost.subscription_id
