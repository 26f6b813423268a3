-- Nobody pays for two subscriptions on one day.
select user_id, day
from {{ ref('int_subscription_days') }}
group by user_id, day
having count(*) > 1
